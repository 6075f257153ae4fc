// A task that has an ability that tasks of SDK 1.0 don't have, and asks the host for it.
#include "ability.h"
#include "berth/plugin.h"
#include "make_minimal_task.h"
#include "minimal_task.h"

namespace {

class AbleTask final : public MinimalTask, public berth::Ability {
 public:
  void describe(berth::Options& options) override {
    MinimalTask::describe(options);
    const auto* host = dynamic_cast<const berth::Ability*>(&options);
    asked_ = host != nullptr ? "was told " + host->answer() : "the host has none";
  }
  std::string answer() const override { return "the plugin's; " + asked_; }

 private:
  std::string asked_ = "asked nobody";
};

}  // namespace

BERTH_PLUGIN("able", "1.0.0", "does more than it must", AbleTask)
