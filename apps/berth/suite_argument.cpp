#include "apps/berth/suite_argument.h"

#include <boost/program_options/value_semantic.hpp>

#include "apps/berth/threads.h"

namespace berth::app {
namespace po = boost::program_options;

void add_suite_argument(Usage& usage) {
  usage.positional.add("suite", 1);
  usage.options.add_options()("set", po::value<std::vector<std::string>>()->composing()->value_name("KEY=VALUE"),
                              "a key of the suite to change (repeatable)");
}

Arguments sets_of(const po::variables_map& values) {
  return values.contains("set") ? values["set"].as<std::vector<std::string>>() : Arguments();
}

suite::Suite read_suite_argument(const po::variables_map& values, const Usage& usage) {
  const auto file = required(values, "suite", "usage: " + usage.line);
  auto suite = suite::read_suite(file, sets_of(values));
  set_threads(suite);
  return suite;
}

suite::Suite read_suite_of(const report::RunFolder& run, const Arguments& sets) {
  auto suite = suite::read_suite(run.suite_file(), sets);
  set_threads(suite);
  return suite;
}

}  // namespace berth::app
