#include "apps/berth/analysis_steps.h"

#include <fmt/format.h>

#include "core/checkpoint/run_checkpoint.h"
#include "core/platform/whole_file.h"
#include "core/report/analysis_report.h"

namespace berth::app {

analysis::StepChanges changes_at(const std::filesystem::path& checkpoint, const model::Encoder& before,
                                 const model::Encoder& after) {
  return {checkpoint::read_info(checkpoint).step, analysis::weight_changes(before.parameters(), after.parameters())};
}

void tell_analysis(const analysis::Analysis& analysis, const report::RunFolder& folder, report::Console& console) {
  platform::write_text(folder.analysis_file(), report::to_json(analysis));
  console.line("\nwhat training changed in the encoder\n" + report::describe(analysis) +
               fmt::format("all of it is in {}", folder.analysis_file().string()));
}

}  // namespace berth::app
