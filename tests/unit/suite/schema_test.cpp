// The JSON Schema of suites: what it says about keys of each kind, and that configs/reference.md, which describes them,
// knows the same keys and defaults.
#include "core/suite/schema.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/suite/reference.h"

namespace berth::suite {
namespace {

std::string reference_text() {
  const auto path = std::filesystem::path(BERTH_TEST_DATA) / "../../../../configs/reference.md";
  std::ifstream file(path.lexically_normal(), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Of a suite with no plugins but those given.
Json schema(const std::vector<PluginSchema>& plugins = {}) { return suite_schema(plugins, reference_text()); }

const Json& section(const Json& schema, const std::string& name) { return schema["properties"][name]["properties"]; }

const Json& task_of(const Json& schema) { return schema["properties"]["tasks"]["patternProperties"].front(); }

TEST(Schema, KeysHaveTypesRangesChoicesAndDefaults) {
  const auto suite = schema();
  const auto& training = section(suite, "training");
  EXPECT_EQ(training["batch_size"]["type"], "integer");
  EXPECT_EQ(training["batch_size"]["minimum"], 1);
  EXPECT_EQ(training["batch_size"]["default"], 32);
  EXPECT_EQ(training["epochs"]["exclusiveMinimum"], 0);
  EXPECT_EQ(training["shuffle"]["type"], "boolean");
  EXPECT_EQ(training["preset"]["enum"], Json({"none", "few_sample"}));
  EXPECT_EQ(training["preset"]["default"], "none");
  const auto& model = section(suite, "model");
  EXPECT_EQ(model["dropout"]["exclusiveMaximum"], 1);
  EXPECT_FALSE(model["dropout"].contains("default"));
  EXPECT_EQ(model["path"]["type"], "string");
}

TEST(Schema, KeysWithAReadingOfTheirOwnSayWhatTheyTake) {
  const auto suite = schema();
  const auto& optimizer = section(suite, "optimizer");
  EXPECT_EQ(optimizer["betas"]["minItems"], 2);
  EXPECT_EQ(optimizer["betas"]["maxItems"], 2);
  EXPECT_EQ(optimizer["betas"]["default"], Json({0.9, 0.999}));
  EXPECT_EQ(optimizer["freeze"]["items"]["type"], "string");
  EXPECT_EQ(section(suite, "finetuning")["lora_targets"]["default"], Json({"query", "value"}));
  EXPECT_EQ(section(suite, "mixing")["phases"]["items"]["required"], Json({"shares"}));
  EXPECT_EQ(section(suite, "sweep")["seeds"]["items"]["minimum"], 0);
  EXPECT_EQ(task_of(suite)["properties"]["train"]["anyOf"].size(), 2U);
  EXPECT_EQ(task_of(suite)["properties"]["debias"]["properties"]["teacher"]["type"], "string");
}

TEST(Schema, EveryTableSaysWhatItNeedsAndRefusesOtherKeys) {
  const auto suite = schema();
  EXPECT_EQ(suite["required"], Json({"model", "tasks"}));
  EXPECT_EQ(suite["properties"]["model"]["required"], Json({"path"}));
  EXPECT_EQ(task_of(suite)["required"], Json({"plugin"}));
  EXPECT_EQ(suite["additionalProperties"], false);
  for (const auto& [name, table] : suite["properties"].items()) {
    if (table["type"] != "object" || name == "tasks") continue;
    EXPECT_EQ(table["additionalProperties"], false) << name;
  }
}

TEST(Schema, OptionsOfAPluginHoldForItsTasksAlone) {
  OptionBinder binder;
  double rate = 0.1;
  std::string column = "text";
  std::string needed;
  binder.field("rate", rate, "how much").between(0, 1);
  binder.field("column", column, "");
  binder.field("needed", needed, "which").required();
  const auto options = options_schema(binder);
  EXPECT_EQ(options["properties"]["rate"],
            Json({{"type", "number"}, {"minimum", 0}, {"maximum", 1}, {"default", 0.1}, {"description", "how much"}}));
  EXPECT_EQ(options["required"], Json({"needed"}));

  const auto suite = schema({{"shiny", "does it all", options, options}});
  ASSERT_EQ(task_of(suite)["allOf"].size(), 1U);
  const auto& condition = task_of(suite)["allOf"][0];
  EXPECT_EQ(condition["if"]["properties"]["plugin"]["const"], "shiny");
  EXPECT_EQ(condition["then"]["required"], Json({"options"}));
  EXPECT_EQ(condition["then"]["properties"]["options"], options);
  // What is needed of `data` may stand in the task's table or in a set's.
  EXPECT_FALSE(condition["then"]["properties"]["data"].contains("required"));
  EXPECT_EQ(condition["then"]["properties"]["train"]["properties"]["data"], condition["then"]["properties"]["data"]);
}

TEST(Reference, ReadsTablesOfKeysAndFirstParagraphs) {
  const auto entries = read_reference(
      "# What\n| key | default | what |\n|---|---|---|\n| `no` | `1` | above all sections |\n"
      "## `[optimizer]`\nAdamW,\nas ever.\n\nMore.\n\n| key | default | what |\n|---|---|---|\n"
      "| `rate` | `2e-5` | one \\| two |\n\n| kind | what |\n|---|---|\n| `\"a\"` | b |\n## Else\n| key | default | "
      "what |\n"
      "| `x` | `1` | y |\n");
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries.at("optimizer").text, "AdamW, as ever.");
  EXPECT_EQ(entries.at("optimizer.rate").text, "one | two");
  EXPECT_EQ(entries.at("optimizer.rate").default_value, "`2e-5`");
}

// Calls `visit` with the path, as the reference has it, of each key of each section.
template <typename Visit>
void for_each_key(const Json& table, const std::string& path, const Visit& visit) {
  for (const auto& [key, schema] : table["properties"].items()) {
    const auto inner = path.empty() ? key : path + "." + key;
    if (path.empty() && key == "tasks") {
      for_each_key(schema["patternProperties"].front(), "tasks.NAME", visit);
    } else if (schema.contains("properties") && schema.contains("additionalProperties") && inner != "tasks.NAME.sets") {
      if (path == "tasks.NAME") visit(inner, schema);
      for_each_key(schema, inner, visit);
    } else if (!path.empty() && inner != "sweep.over" && inner != "sweep.variants") {
      visit(inner, schema);
    }
  }
}

TEST(Reference, DescribesEveryKeyAndNoOther) {
  const auto entries = read_reference(reference_text());
  std::vector<std::string> keys;
  for_each_key(schema(), "", [&keys](const std::string& path, const Json&) { keys.push_back(path); });
  std::vector<std::string> described;
  for (const auto& [path, entry] : entries) {
    if (!entry.default_value.empty()) described.push_back(path);
  }
  EXPECT_THAT(keys, testing::UnorderedElementsAreArray(described));
}

TEST(Reference, HasTheDefaultsThatKeysHave) {
  const auto entries = read_reference(reference_text());
  int compared = 0;
  for_each_key(schema(), "", [&](const std::string& path, const Json& key) {
    const auto found = entries.find(path);
    if (found == entries.end() || !key.contains("default")) return;
    auto text = found->second.default_value;
    text.erase(std::remove(text.begin(), text.end(), '`'), text.end());
    const auto value = Json::parse(text, nullptr, false);
    if (value.is_discarded()) return;  // in words
    EXPECT_EQ(value, key["default"]) << path;
    ++compared;
  });
  EXPECT_GT(compared, 50);
}

TEST(Schema, HasTheReferencesWords) {
  const auto suite = schema();
  const auto entries = read_reference(reference_text());
  EXPECT_EQ(section(suite, "training")["log_every"]["description"], entries.at("training.log_every").text);
  EXPECT_EQ(section(suite, "optimizer")["head_rate"]["description"],
            entries.at("optimizer.head_rate").text + ". Default: `rate`");
  EXPECT_EQ(task_of(suite)["properties"]["split"]["description"], entries.at("tasks.NAME.split").text);
}

}  // namespace
}  // namespace berth::suite
