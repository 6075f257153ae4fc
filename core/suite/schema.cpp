#include "core/suite/schema.h"

#include <fmt/format.h>

#include "core/suite/declarations.h"
#include "core/suite/field_schema.h"
#include "core/suite/reference.h"

namespace berth::suite {
namespace {

using Reference = std::map<std::string, ReferenceEntry>;

// A default in words ("the model's") is no value; "needed" and "none" say nothing that the schema does not.
std::string description_of(const ReferenceEntry& entry, const Json& schema) {
  const auto& value = entry.default_value;
  if (value.empty() || value == "needed" || value == "none" || schema.contains("default")) return entry.text;
  return fmt::format("{}. Default: {}", entry.text, value);
}

// schema: of what is at this path, "" for the suite, and of all within.
void describe(Json& schema, const std::string& path, const Reference& reference) {
  if (const auto found = reference.find(path); found != reference.end() && !found->second.text.empty()) {
    schema["description"] = description_of(found->second, schema);
  }
  if (path == "tasks") describe(schema["patternProperties"].front(), "tasks.NAME", reference);
  if (!schema.contains("properties")) return;
  for (auto& [key, inner] : schema["properties"].items()) {
    if (inner.is_object()) describe(inner, path.empty() ? key : fmt::format("{}.{}", path, key), reference);
  }
}

// {"properties": {NAME: inner}}
Json at_key(const std::string& name, Json inner) { return {{"properties", {{name, std::move(inner)}}}}; }

// Where a task has this plugin, its tables are the plugin's.
Json condition(const PluginSchema& plugin) {
  // A key of `data` that is needed may stand in the task's table or in each set's own.
  auto data = plugin.data;
  data.erase("required");
  const auto in_set = at_key("data", data);
  auto then = at_key("options", plugin.options);
  then["properties"]["data"] = data;
  then["properties"]["train"] = in_set;
  then["properties"]["dev"] = in_set;
  then["properties"]["sets"] = {{"additionalProperties", in_set}};
  if (plugin.options.contains("required")) then["required"] = {"options"};
  return {{"if", {{"properties", {{"plugin", {{"const", plugin.id}}}}}, {"required", {"plugin"}}}},
          {"then", std::move(then)}};
}

// Editors offer the plugins that were found; others are welcome.
void add_plugins(Json& task, const std::vector<PluginSchema>& plugins) {
  auto& plugin = task["properties"]["plugin"];
  plugin["minLength"] = 1;
  if (plugins.empty()) return;
  Json ids = Json::array();
  for (const auto& one : plugins) ids.push_back({{"const", one.id}, {"description", one.summary}});
  ids.push_back({{"type", "string"}});
  plugin["anyOf"] = std::move(ids);
  for (const auto& one : plugins) task["allOf"].push_back(condition(one));
}

}  // namespace

Json options_schema(const OptionBinder& options) {
  std::vector<Field> fields;
  fields.reserve(options.fields().size());
  for (const auto& option : options.fields()) fields.push_back(to_field(option));
  auto schema = schema_of(fields);
  for (const auto& option : options.fields()) {
    if (!option.help.empty()) schema["properties"][option.name]["description"] = option.help;
  }
  return schema;
}

Json suite_schema(const std::vector<PluginSchema>& plugins, std::string_view reference) {
  Suite suite;
  Section top("", {});
  declare(top, suite);
  auto declared = top.schema();
  describe(declared, "", read_reference(reference));
  add_plugins(declared["properties"]["tasks"]["patternProperties"].front(), plugins);
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "A suite of berth"},
                 {"description", "Which model, which tasks, how to train: what `berth run` reads."}};
  schema.update(declared);
  return schema;
}

}  // namespace berth::suite
