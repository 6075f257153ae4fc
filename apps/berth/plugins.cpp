// berth plugins: what was found where, what was refused and why, and a plugin's options.
#include <fmt/format.h>

#include "apps/berth/commands.h"
#include "core/plugin/guard.h"
#include "core/suite/option_binder.h"

namespace berth::app {
namespace {

Usage plugins_usage() {
  Usage usage;
  usage.line = "berth plugins [NAME] [options]";
  usage.summary = "Lists the plugins that were found and those that were refused, or one plugin's options.";
  usage.examples = "  berth plugins\n  berth plugins classification\n";
  usage.positional.add("name", 1);
  add_plugin_path(usage.options);
  return usage;
}

void list_all(const plugin::Registry& registry, const std::vector<std::filesystem::path>& folders) {
  for (const auto& info : registry.plugins()) {
    fmt::print("{:<16} {:<8} {}\n{:<25} {}\n{:<25} {}\n", info.id, info.version, info.summary, "", info.built_for, "",
               info.path.string());
  }
  if (registry.plugins().empty()) fmt::print("no plugins found\n");
  for (const auto& refused : registry.refused()) {
    fmt::print("refused: {}\n  {}\n", refused.path.string(), refused.reason);
  }
  fmt::print("looked in:\n");
  for (const auto& folder : folders) fmt::print("  {}\n", folder.string());
}

void print_options(const char* title, const suite::OptionBinder& binder) {
  binder.check();
  fmt::print("\n{}\n{}", title, suite::describe_options(binder.fields()));
}

void describe_one(const plugin::Registry& registry, const std::string& name) {
  const auto task = registry.create(name, {"berth plugins"});
  for (const auto& info : registry.plugins()) {
    if (info.id != name) continue;
    fmt::print("{} {}: {}\nbuilt for {}\n{}\n", info.id, info.version, info.summary, info.built_for,
               info.path.string());
  }
  const auto owner = fmt::format("plugin {}", name);
  suite::OptionBinder options;
  plugin::guarded({owner, "describe"}, [&] { task->describe(options); });
  print_options("[tasks.NAME.options]", options);
  const auto reader = plugin::guarded({owner, "make_reader"}, [&] { return task->make_reader(); });
  suite::OptionBinder data;
  plugin::guarded({owner, "describe of the reader"}, [&] { reader->describe(data); });
  print_options("[tasks.NAME.data]", data);
}

}  // namespace

int plugins(const Arguments& arguments) {
  auto command = plugins_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  auto registry = find_plugins(*values);
  if (values->contains("name")) {
    describe_one(registry, (*values)["name"].as<std::string>());
  } else {
    registry.try_all();
    list_all(registry, plugin_folders(*values));
  }
  return 0;
}

}  // namespace berth::app
