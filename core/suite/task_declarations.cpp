#include "core/suite/task_declarations.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/suite/option_binder.h"
#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

constexpr std::size_t kLongestName = 100;

// What is_name() takes: each such name is a key of a table with this schema.
Json named_tables_schema(Json each) {
  return {{"type", "object"},
          {"patternProperties", {{fmt::format("^[A-Za-z0-9_-]{{1,{}}}$", kLongestName), std::move(each)}}},
          {"additionalProperties", false}};
}

void check_name(const std::string& name, const std::string& what, const Where& where) {
  if (is_name(name)) return;
  throw Error(ErrorKind::kConfig, where,
              fmt::format("{} can't be called {}; use only A-Z, a-z, 0-9, '_' and '-', {} of them at most", what,
                          to_toml(name), kLongestName));
}

void declare(Section& s, DataSetConfig& c) {
  s.path("path", c.path).required("write path = \"FILE\"").at(c.where);
  s.raw("data", c.data);
}

// A path, or a table with a path and how to read it.
DataSetConfig read_set(const std::string& name, const ConfigValue& value, Section section) {
  DataSetConfig set;
  set.name = name;
  set.where = value.where;
  declare(section, set);
  if (std::holds_alternative<std::string>(value.value)) {
    section.fill(ConfigTable{{{"path", value, value.where}}, value.where});
  } else if (std::holds_alternative<ConfigTable>(value.value)) {
    section.fill(value);
  } else {
    throw Error(ErrorKind::kConfig, value.where,
                fmt::format("{} must be a path or a table with 'path', but is {}", section.owner(), type_name(value)));
  }
  return set;
}

std::string write_set(const DataSetConfig& set, Section section) {
  auto copy = set;
  declare(section, copy);
  return section.to_toml();
}

Json set_schema(Section section) {
  DataSetConfig set;
  declare(section, set);
  return {{"anyOf", {path_schema(), section.schema()}}};
}

void declare_set(Section& s, const std::string& name, std::optional<DataSetConfig>& set) {
  const auto section = s.child(name);
  const auto write = [&set, section]() -> std::optional<std::string> {
    return set ? std::optional(write_set(*set, section)) : std::nullopt;
  };
  s.tables(name, {[&set, name, section](const ConfigValue& value) { set = read_set(name, value, section); }, write,
                  [section] { return set_schema(section); }});
}

void declare_sets(Section& s, std::vector<DataSetConfig>& sets) {
  const auto inner = s.child("sets");
  const auto read = [&sets, inner](const ConfigValue& value) {
    sets.clear();
    for (const auto& entry : expect_table(value, inner.owner()).entries) {
      check_name(entry.key, "a set", entry.where);
      if (entry.key == "train" || entry.key == "dev") {
        throw Error(ErrorKind::kConfig, entry.where,
                    fmt::format("{}: a set can't be called '{}', which the task has already; give it another name",
                                inner.owner(), entry.key));
      }
      sets.push_back(read_set(entry.key, entry.value, inner.child(entry.key)));
    }
  };
  const auto write = [&sets, inner] {
    std::string text;
    for (const auto& set : sets) text += write_set(set, inner.child(set.name));
    return text;
  };
  const auto schema = [inner] {
    auto tables = named_tables_schema(set_schema(inner));
    tables["properties"] = {{"train", false}, {"dev", false}};
    return tables;
  };
  s.tables("sets", {read, write, schema});
}

void declare(Section& s, DebiasConfig& c) {
  s.choice("method", c.method,
           {{"none", DebiasMethod::kNone},
            {"product_of_experts", DebiasMethod::kProductOfExperts},
            {"learned_mixin", DebiasMethod::kLearnedMixin},
            {"reweighting", DebiasMethod::kReweighting},
            {"confidence_regularization", DebiasMethod::kConfidenceRegularization},
            {"group_dro", DebiasMethod::kGroupDro},
            {"balanced", DebiasMethod::kBalanced}})
      .at(c.method_where);
  s.choice(
      "bias", c.bias,
      {{"overlap", BiasKind::kOverlap}, {"second_text", BiasKind::kSecondText}, {"embeddings", BiasKind::kEmbeddings}});
  s.key("folds", c.folds).at_least(2);
  s.key("entropy", c.entropy).at_least(0);
  s.optional_path("teacher", c.teacher).at(c.teacher_where);
  s.key("group", c.group);
  s.key("by_label", c.by_label);
  s.key("step_size", c.step_size).above(0);
  s.key("adjustment", c.adjustment).at_least(0);
}

void declare(Section& s, TaskConfig& c, Where& split_where) {
  s.key("plugin", c.plugin).required("write plugin = \"NAME\"; 'berth plugins' lists the names").at(c.plugin_where);
  s.key("split", c.split).at_least(0).below(1).at(split_where);
  s.key("stream", c.stream).at(c.stream_where);
  s.key("shuffle_buffer", c.shuffle_buffer).at_least(1);
  s.key("weight", c.weight).above(0);
  s.key("head_rate", c.head_rate).above(0);
  s.key("head_warmup", c.head_warmup).at_least(0).at_most(1);
  declare_set(s, "train", c.train);
  declare_set(s, "dev", c.dev);
  s.raw("data", c.data);
  s.raw("options", c.options);
  s.section("debias", [&c](Section& inner) { declare(inner, c.debias); });
  declare_sets(s, c.sets);
}

void lay_over(const ConfigTable& task_data, DataSetConfig& set) {
  auto data = task_data;
  if (!set.data.where.file.empty()) data.where = set.data.where;
  if (data.where.file.empty()) data.where = set.where;
  for (const auto& own : set.data.entries) {
    auto same = std::find_if(data.entries.begin(), data.entries.end(), [&](const auto& e) { return e.key == own.key; });
    if (same == data.entries.end()) {
      data.entries.push_back(own);
    } else {
      *same = own;
    }
  }
  set.data = std::move(data);
}

void check_task(const TaskConfig& c, const Where& split_where, const std::string& owner) {
  if (c.plugin.empty()) {
    throw Error(ErrorKind::kConfig, c.plugin_where, owner + ": 'plugin' is empty; 'berth plugins' lists the names");
  }
  if (c.dev && c.split > 0) {
    throw Error(ErrorKind::kConfig, split_where,
                owner + ": there are both 'dev' and 'split', two ways to get a dev set; take one of them away");
  }
  if (c.split > 0 && !c.train) {
    throw Error(ErrorKind::kConfig, split_where,
                owner + ": 'split' needs 'train' to take its share from; add train = \"FILE\"");
  }
  if (!c.train && !c.dev && c.sets.empty()) {
    throw Error(ErrorKind::kConfig, c.where, owner + ": the task has no file to read; add train = \"FILE\"");
  }
}

TaskConfig read_task(const ConfigEntry& entry, Section section) {
  TaskConfig task;
  Where split_where;
  task.name = entry.key;
  task.where = entry.value.where;
  task.options.where = entry.value.where;
  declare(section, task, split_where);
  section.fill(entry.value);
  check_task(task, split_where, section.owner());
  if (task.train) lay_over(task.data, *task.train);
  if (task.dev) lay_over(task.data, *task.dev);
  for (auto& set : task.sets) lay_over(task.data, set);
  return task;
}

// "--set" makes tables that don't exist, so that a mistyped task looks like a new one without a plugin.
void check_made_by_set(const ConfigEntry& entry, const ConfigTable& tasks) {
  const auto* table = std::get_if<ConfigTable>(&entry.value.value);
  const bool is_made_by_set = entry.where.file.rfind("--set ", 0) == 0;
  if (!is_made_by_set || table == nullptr || table->find("plugin") != nullptr) return;
  std::vector<std::string> others;
  for (const auto& other : tasks.entries) {
    if (other.key != entry.key) others.push_back(other.key);
  }
  const auto nearest = nearest_name(entry.key, others);
  if (nearest.empty()) return;
  throw Error(ErrorKind::kConfig, entry.where,
              fmt::format("the suite has no task '{}'; did you mean '{}'?", entry.key, nearest));
}

}  // namespace

// Names become parts of file names, which may have 255 bytes, and of TOML headers.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

void declare_tasks(Section& top, std::vector<TaskConfig>& tasks) {
  const auto inner = top.child("tasks");
  const auto read = [&tasks, inner](const ConfigValue& value) {
    const auto& table = expect_table(value, inner.owner());
    if (table.entries.empty()) {
      throw Error(ErrorKind::kConfig, value.where, "the suite has no tasks; add [tasks.NAME] with plugin and train");
    }
    tasks.clear();
    for (const auto& entry : table.entries) {
      check_name(entry.key, "a task", entry.where);
      check_made_by_set(entry, table);
      tasks.push_back(read_task(entry, inner.child(entry.key)));
    }
  };
  const auto write = [&tasks, inner] {
    std::string text;
    for (auto& task : tasks) {
      Where split_where;
      auto section = inner.child(task.name);
      declare(section, task, split_where);
      text += section.to_toml();
    }
    return text;
  };
  const auto schema = [inner] {
    TaskConfig task;
    Where split_where;
    auto section = inner;
    declare(section, task, split_where);
    auto tables = named_tables_schema(section.schema());
    tables["minProperties"] = 1;
    return tables;
  };
  top.tables("tasks", {read, write, schema}).required("add [tasks.NAME] with plugin and train");
}

}  // namespace berth::suite
