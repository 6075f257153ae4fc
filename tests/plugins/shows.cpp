// A task that has the ability Display: it shows an example's line, and fails where there is none.
#include <stdexcept>

#include "berth/display.h"
#include "berth/plugin.h"
#include "make_minimal_task.h"
#include "minimal_task.h"

namespace {

class ShowingTask final : public MinimalTask, public berth::Display {
 public:
  berth::Shown show(const berth::Example& example, const berth::Prediction& prediction) const override {
    if (example.where.line == 0) throw std::runtime_error("the example has no line");
    berth::Shown shown;
    shown.answer = "the plugin's: " + prediction.json() + " of line " + std::to_string(example.where.line);
    return shown;
  }
};

}  // namespace

BERTH_PLUGIN("shows", "1.0.0", "shows its answers", ShowingTask)
