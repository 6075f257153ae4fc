// berth plugins: what was found where, what was refused and why, and a plugin's options.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/berth/commands.h"
#include "apps/berth/declared_options.h"
#include "core/suite/schema.h"

namespace berth::app {

Usage plugins_usage() {
  Usage usage;
  usage.line = "berth plugins [PLUGIN] [options]";
  usage.summary = "Lists the plugins that were found and those that were refused, or one plugin's options.";
  usage.examples = "  berth plugins\n  berth plugins classification\n  berth plugins --json\n";
  usage.positional.add("plugin", 1);
  add_json(usage.options);
  add_plugin_path(usage.options);
  return usage;
}

namespace {

using Json = nlohmann::ordered_json;

Json info_json(const plugin::PluginInfo& info) {
  return {{"id", info.id},
          {"version", info.version},
          {"summary", info.summary},
          {"built_for", info.built_for},
          {"path", info.path.string()}};
}

Json all_json(const plugin::Registry& registry, const std::vector<std::filesystem::path>& folders) {
  Json json = {{"plugins", Json::array()}, {"refused", Json::array()}, {"folders", Json::array()}};
  for (const auto& info : registry.plugins()) json["plugins"].push_back(info_json(info));
  for (const auto& refused : registry.refused()) {
    json["refused"].push_back(Json{{"path", refused.path.string()}, {"reason", refused.reason}});
  }
  for (const auto& folder : folders) json["folders"].push_back(folder.string());
  return json;
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

const plugin::PluginInfo& info_of(const plugin::Registry& registry, const std::string& id) {
  for (const auto& info : registry.plugins()) {
    if (info.id == id) return info;
  }
  throw Error(ErrorKind::kPlugin, fmt::format("plugin {}: is not among those found; this is a bug of berth", id));
}

Json one_json(const plugin::PluginInfo& info, const DeclaredOptions& declared) {
  auto json = info_json(info);
  json["options"] = suite::options_schema(declared.options());
  json["data"] = suite::options_schema(declared.data());
  return json;
}

void describe_one(const plugin::PluginInfo& info, const DeclaredOptions& declared) {
  fmt::print("{} {}: {}\nbuilt for {}\n{}\n", info.id, info.version, info.summary, info.built_for, info.path.string());
  fmt::print("\n[tasks.NAME.options]\n{}", suite::describe_options(declared.options().fields()));
  fmt::print("\n[tasks.NAME.data]\n{}", suite::describe_options(declared.data().fields()));
}

}  // namespace

int plugins(const Arguments& arguments) {
  auto command = plugins_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  auto registry = find_plugins(*values);
  if (values->contains("plugin")) {
    const auto id = (*values)["plugin"].as<std::string>();
    const DeclaredOptions declared(registry, id, {"berth plugins"});
    const auto& info = info_of(registry, id);
    if (wants_json(*values)) {
      print_json(one_json(info, declared));
    } else {
      describe_one(info, declared);
    }
    return 0;
  }
  registry.try_all();
  if (wants_json(*values)) {
    print_json(all_json(registry, plugin_folders(*values)));
  } else {
    list_all(registry, plugin_folders(*values));
  }
  return 0;
}

}  // namespace berth::app
