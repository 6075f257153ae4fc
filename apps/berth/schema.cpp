// berth schema: the JSON Schema of suites, by which editors complete keys, show what they mean, and mark mistakes.
#include "core/suite/schema.h"

#include <fmt/format.h>

#include <boost/program_options/value_semantic.hpp>

#include "apps/berth/commands.h"
#include "apps/berth/declared_options.h"
#include "apps/berth/reference_text.h"
#include "core/platform/whole_file.h"

namespace berth::app {
namespace po = boost::program_options;

Usage schema_usage() {
  Usage usage;
  usage.line = "berth schema [options]";
  usage.summary =
      "Prints the JSON Schema of suites, with the options of the plugins that are found. An editor that knows TOML by\n"
      "taplo takes it where a suite begins with the line: #:schema ./berth.schema.json";
  usage.examples =
      "  berth schema --out berth.schema.json\n  taplo lint --schema file://$PWD/berth.schema.json suite.toml\n";
  usage.options.add_options()("out", po::value<std::string>()->value_name("FILE"),
                              "the file to write (default: standard output)");
  add_plugin_path(usage.options);
  return usage;
}

namespace {

// A plugin that can't be asked is left out: tasks with it may say anything, and the others are still checked.
std::vector<suite::PluginSchema> read_plugins(const plugin::Registry& registry) {
  std::vector<suite::PluginSchema> plugins;
  plugins.reserve(registry.plugins().size());
  for (const auto& info : registry.plugins()) {
    try {
      const DeclaredOptions declared(registry, info.id, {"berth schema"});
      plugins.push_back(
          {info.id, info.summary, suite::options_schema(declared.options()), suite::options_schema(declared.data())});
    } catch (const Error& error) {
      plugin::warn_on_stderr(fmt::format("plugin {} is left out of the schema: {}", info.id, error.what()));
    }
  }
  return plugins;
}

}  // namespace

int schema(const Arguments& arguments) {
  auto command = schema_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  auto registry = find_plugins(*values);
  registry.try_all();
  const auto schema = suite::suite_schema(read_plugins(registry), kReferenceText);
  if (values->contains("out")) {
    platform::write_text((*values)["out"].as<std::string>(), schema.dump(2) + "\n");
  } else {
    print_json(schema);
  }
  return 0;
}

}  // namespace berth::app
