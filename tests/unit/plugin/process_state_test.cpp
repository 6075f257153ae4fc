#include "core/plugin/process_state.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <clocale>
#include <csignal>
#include <limits>

#include "core/plugin/registry.h"
#include "plugin_files.h"

namespace berth::plugin {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void my_handler(int) {}

bool keeps_denormals() {
  volatile double tiny = std::numeric_limits<double>::min();
  return tiny / 2 != 0;
}

std::vector<std::string> warnings_of(const std::string& id) {
  std::vector<std::string> warnings;
  const Registry registry({loadable_folder()}, [&warnings](const std::string& line) { warnings.push_back(line); });
  registry.create(id, {});
  return warnings;
}

TEST(ProcessStateTest, NothingChangedIsNothingSaid) {
  EXPECT_THAT(ProcessState::capture().restore(), IsEmpty());
  EXPECT_THAT(warnings_of("good"), IsEmpty());
}

TEST(ProcessStateTest, PutsBackWhatAPluginMeddledWith) {
  std::signal(SIGINT, my_handler);
  const int threads = at::get_num_threads();
  const std::string locale = std::setlocale(LC_ALL, nullptr);
  const auto warnings = warnings_of("meddler");
  EXPECT_EQ(std::signal(SIGINT, SIG_DFL), my_handler);
  EXPECT_EQ(at::get_num_threads(), threads);
  EXPECT_EQ(std::setlocale(LC_ALL, nullptr), locale);
  const auto line = [](const char* what) { return AllOf(HasSubstr("plugin 'meddler'"), HasSubstr(what)); };
  EXPECT_THAT(warnings, ElementsAre(line("changed the handler of SIGINT when it was loaded; berth has put it back"),
                                    line("the handler of SIGSEGV"), line("the locale (C.UTF-8, was C)"),
                                    line("the number of threads")));
}

TEST(ProcessStateTest, PutsBackTheFloatingPointMode) {
#if defined(__x86_64__)
  ASSERT_TRUE(keeps_denormals());
  EXPECT_THAT(warnings_of("fast_math"), ElementsAre(HasSubstr("flush-to-zero")));
  EXPECT_TRUE(keeps_denormals());
#endif
}

}  // namespace
}  // namespace berth::plugin
