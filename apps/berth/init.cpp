// berth init: somebody with a data file gets a suite that runs. Looks at the file, asks the plugins what it is, asks
// the user where there is one, writes the suite and checks it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>

#include "apps/berth/commands.h"
#include "apps/berth/init_advice.h"
#include "apps/berth/init_facts.h"
#include "apps/berth/question.h"
#include "core/data/file_sample.h"
#include "core/platform/whole_file.h"
#include "core/suite/task_declarations.h"
#include "core/suite/toml_reader.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace po = boost::program_options;

Usage init_usage() {
  Usage usage;
  usage.line = "berth init DATA_FILE [options]";
  usage.summary =
      "Looks at a data file, guesses the task and the columns, and writes a suite that `berth run` trains. On a "
      "terminal "
      "it\nasks, with its guesses as answers; else, and with --yes, it takes them.";
  usage.examples =
      "  berth init reviews.csv\n"
      "  berth init train.tsv --dev dev.tsv --model models/minilm --yes\n"
      "  berth init mails.csv --task classification --data text=body --data label=folder --out mails.toml\n";
  usage.positional.add("file", 1);
  const auto text = [](const char* name) { return po::value<std::string>()->value_name(name); };
  const auto texts = [] { return po::value<Arguments>()->composing()->value_name("KEY=VALUE"); };
  usage.options.add_options()("dev", text("FILE"), "examples that score the training (default: a part of DATA_FILE)")(
      "test", text("FILE"), "examples that are scored once, at the end")(
      "task", text("PLUGIN"), "classification, ner, qa, seq2seq or another that `berth plugins` lists")(
      "name", text("NAME"), "the task's name (default: the file's)")(
      "data", texts(), "how files are read, such as text=review: `berth plugins PLUGIN` (repeatable)")(
      "options", texts(), "an option of the task, such as kind=regression (repeatable)")(
      "model", text("DIR"), "the BERT to fine-tune (default: BERTH_MODEL, or one that is found)")(
      "out", text("FILE"), "the suite to write (default: NAME.toml)")(
      "force", po::bool_switch(), "replace a suite that is there")("yes,y", po::bool_switch(), "ask nothing");
  add_plugin_path(usage.options);
  return usage;
}

namespace {

constexpr double kLeastFit = 0.15;  // below, a suggestion is a wild guess

enum class Asking : bool { kNo, kYes };

std::string value_or_none(const po::variables_map& values, const char* name) {
  return values.contains(name) ? values[name].as<std::string>() : std::string();
}

Arguments list_of(const po::variables_map& values, const char* name) {
  return values.contains(name) ? values[name].as<Arguments>() : Arguments();
}

std::string missing_file(const std::string& file) {
  return fs::is_regular_file(file) ? std::string() : fmt::format("there is no file {}", file);
}

fs::path absolute_or_none(const std::string& file) {
  return file.empty() ? fs::path() : fs::absolute(file).lexically_normal();
}

// Others of a set are usually called alike: train.csv and dev.csv, mails-train.tsv and mails-test.tsv.
std::string find_beside(const fs::path& train, const std::vector<const char*>& names) {
  const auto file = train.filename().string();
  const auto at = file.rfind("train");
  if (at == std::string::npos) return {};
  for (const auto* name : names) {
    auto other = file;
    other.replace(at, sizeof("train") - 1, name);
    if (fs::is_regular_file(train.parent_path() / other)) return (train.parent_path() / other).string();
  }
  return {};
}

// One line for people: tabs show, and what is long is cut.
std::string show_line(std::string_view line) {
  constexpr std::size_t kShown = 150;
  std::string text;
  for (const char c : line.substr(0, kShown)) {
    if (c == '\t') {
      text += " <tab> ";
    } else {
      text += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
    }
  }
  while (!text.empty() && line.size() > kShown && (static_cast<unsigned char>(text.back()) & 0x80U) != 0)
    text.pop_back();
  return text + (line.size() > kShown ? "..." : "");
}

std::string first_lines(const DataSample& sample) {
  std::string text;
  std::string_view rest = sample.text;
  for (int number = 1; number <= 3 && !rest.empty(); ++number) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    text += fmt::format("  line {}: {}\n", number, show_line(line));
    if (number == 1) {
      text += fmt::format("    fields in it: {} by tabs, {} by commas, {} by semicolons\n",
                          1 + std::count(line.begin(), line.end(), '\t'), 1 + std::count(line.begin(), line.end(), ','),
                          1 + std::count(line.begin(), line.end(), ';'));
    }
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return text;
}

[[noreturn]] void fail_to_fit(const DataSample& sample, const std::vector<Advice>& all) {
  std::string text = fmt::format("no task that is there fits this file. Its first lines:\n{}", first_lines(sample));
  for (const auto& advice : all) {
    const auto& reason = advice.suggestion.reason;
    text += fmt::format("{}: {}\n", advice.plugin, reason.empty() ? "does not say what it needs" : reason);
  }
  text += "Bring the file into one of these forms, or say how it is to be read: --task PLUGIN --data KEY=VALUE";
  throw Error(ErrorKind::kContent, {sample.path}, text);
}

// --- What the user wants ---------------------------------------------------------------------------------------------

struct Plan {
  DataSample sample;
  Advice advice;
  Chosen chosen;
};

Advice choose_task(const std::vector<Advice>& all, Asking asking) {
  if (asking == Asking::kNo) return all.front();
  fmt::print("\nWhich task is it?\n");
  std::vector<std::string> names;
  for (const auto& advice : all) {
    const auto is_fitting = advice.suggestion.fit >= kLeastFit;
    if (is_fitting) fmt::print("  {:<16} {}\n", advice.plugin, advice.suggestion.reason);
    names.push_back(advice.plugin);
  }
  const auto chosen = ask("task", all.front().plugin, [&](const std::string& answer) {
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.plugin == answer; });
    if (at == all.end()) return fmt::format("there is no such task; there are: {}", fmt::join(names, ", "));
    return at->suggestion.fit > 0 ? std::string() : fmt::format("{} {}", answer, at->suggestion.reason);
  });
  return *std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.plugin == chosen; });
}

// The text of a TOML string; other values as they are written.
std::string plain_value(const std::string& toml) {
  const auto value = suite::try_parse_value(toml, "a value");
  const auto* text = value ? std::get_if<std::string>(&value->value) : nullptr;
  return text != nullptr ? *text : toml;
}

// Asks for the columns that were guessed. What is changed may change the rest, so that the plugin is asked again.
void ask_for_columns(Plan& plan, const plugin::Registry& registry) {
  fmt::print("\nHow is it read? (Enter takes what stands in brackets)\n");
  for (const auto& option : Advice(plan.advice).data) {
    const auto& data = plan.advice.suggestion.data;
    const auto at = std::find_if(data.begin(), data.end(), [&](const auto& key) { return key.first == option.name; });
    if (!option.is_text || at == data.end()) continue;
    const auto guess = plain_value(at->second);
    ask(fmt::format("{}: {}", option.name, option.help), guess, [&](const std::string& answer) {
      if (answer == guess) {
        // What was agreed to stays. Names that the task gave to columns without any can't be asked for again.
        const bool is_by_role =
            std::any_of(data.begin(), data.end(), [](const auto& k) { return k.first == "columns"; });
        if (!is_by_role) plan.chosen.data.push_back(fmt::format("{}={}", option.name, at->second));
        return std::string();
      }
      auto chosen = plan.chosen;
      chosen.data.push_back(fmt::format("{}={}", option.name, answer));
      auto advice = ask_plugin(registry, plan.advice.plugin, plan.sample, chosen);
      if (advice.suggestion.fit <= 0) return advice.suggestion.reason;
      plan.advice = std::move(advice);
      plan.chosen = std::move(chosen);
      return std::string();
    });
  }
}

Plan make_plan(const po::variables_map& values, const std::string& file, const plugin::Registry& registry,
               Asking asking) {
  Plan plan{data::read_sample(file), {}, {list_of(values, "data"), list_of(values, "options")}};
  const auto task = value_or_none(values, "task");
  std::vector<Advice> all;
  if (task.empty()) {
    all = ask_plugins(registry, plan.sample, plan.chosen);
  } else {
    all.push_back(ask_plugin(registry, task, plan.sample, plan.chosen));
  }
  const auto is_silent = !task.empty() && !all.front().has_advisor;  // then all of it is the user's to say
  if (!is_silent && (all.empty() || all.front().suggestion.fit < (task.empty() ? kLeastFit : 1e-9))) {
    fail_to_fit(plan.sample, all);
  }
  plan.advice = task.empty() ? choose_task(all, asking) : all.front();
  if (asking == Asking::kYes) ask_for_columns(plan, registry);
  return plan;
}

// --- The suite -------------------------------------------------------------------------------------------------------

fs::path choose_model(const po::variables_map& values, Asking asking) {
  const auto given = value_or_none(values, "model");
  auto found = find_model(given);
  if (asking == Asking::kNo || !given.empty()) return found;
  fmt::print("\nWhich BERT is to be fine-tuned? (a folder of the Hugging Face layout)\n");
  constexpr const char* kNone = "none yet";
  const auto answer = ask("model", found.empty() ? kNone : found.string(), [&](const std::string& folder) {
    if (folder == kNone) return std::string();
    try {
      found = find_model(folder);
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  });
  return answer == kNone ? fs::path() : found;
}

std::string choose_dev(const po::variables_map& values, const fs::path& train, Asking asking) {
  if (values.contains("dev")) return value_or_none(values, "dev");
  auto beside = find_beside(train, {"dev", "valid", "validation", "val"});
  if (asking == Asking::kNo) return beside;
  constexpr const char* kPart = "a part of it";
  fmt::print("\nWhich examples score the training? (a file, or a part of this one)\n");
  const auto answer = ask("dev", beside.empty() ? kPart : beside,
                          [&](const std::string& file) { return file == kPart ? std::string() : missing_file(file); });
  return answer == kPart ? std::string() : answer;
}

// The suite's name and file. Throws Error kIo where the file is there.
fs::path out_file(const po::variables_map& values, const std::string& name) {
  auto file =
      fs::absolute(values.contains("out") ? values["out"].as<std::string>() : name + ".toml").lexically_normal();
  if (!fs::exists(file) || values["force"].as<bool>()) return file;
  throw Error(ErrorKind::kIo, {file.string()},
              "is there already, and stays as it is; name another file with --out, or replace it with --force");
}

void check_task_name(const std::string& name) {
  if (suite::is_name(name)) return;
  throw Error(ErrorKind::kConfig,
              fmt::format("--name {}: a task's name has letters, digits, '_' and '-', 100 of them at most", name));
}

void print_plan(const suite::NewSuite& suite, const Advice& advice) {
  fmt::print("{}: {}\n", suite.plugin, advice.suggestion.reason.empty() ? "as you say" : advice.suggestion.reason);
  for (const auto* keys : {&suite.data, &suite.options}) {
    for (const auto& [key, value, comment] : *keys) fmt::print("  {} = {}\n", key, value);
  }
  fmt::print("dev set: {}\n", suite.dev.empty() ? "a part of the training set" : suite.dev.string());
  if (!suite.test.empty()) fmt::print("test set: {}\n", suite.test.string());
  fmt::print("model: {}\n", suite.model.empty() ? "none was found" : suite.model.string());
}

// What is written first has numbers that don't depend on the data; then the data and the model are looked at with it.
void write_suite(suite::NewSuite& suite, const fs::path& file, const plugin::Registry& registry) {
  suite.facts = facts_of_model(suite.model);
  platform::write_text(file, suite::new_suite_text(suite, file));
  try {
    suite.facts = look_at_data(file, registry, suite.model.empty() ? HasModel::kNo : HasModel::kYes);
  } catch (const Error& error) {
    throw Error(error, fmt::format("{}\n{} is written, but does not run before that is mended; then: berth check {}",
                                   error.what(), file.string(), shell_word(file.string())));
  }
  platform::write_text(file, suite::new_suite_text(suite, file));
}

// "berth init train.csv --yes", to be made again.
std::string command_of(const Arguments& arguments) {
  std::string text = "berth init";
  for (const auto& argument : arguments) text += " " + shell_word(argument);
  return text;
}

std::string shown_path(const fs::path& file) {
  const auto relative = file.lexically_relative(fs::current_path());
  return shell_word(relative.empty() || relative.string().starts_with("..") ? file.string() : relative.string());
}

}  // namespace

int init(const Arguments& arguments) {
  auto command = init_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto file = required(*values, "file", "usage: " + command.line);
  const auto asking = is_asked_on_terminal() && !(*values)["yes"].as<bool>() ? Asking::kYes : Asking::kNo;
  const auto train = fs::absolute(file).lexically_normal();
  const auto name = values->contains("name") ? value_or_none(*values, "name") : suite::task_name_of(train);
  check_task_name(name);
  const auto out = out_file(*values, name);
  const auto registry = find_plugins(*values);
  const auto plan = make_plan(*values, file, registry, asking);

  suite::NewSuite suite;
  suite.made_of = command_of(arguments);
  suite.task = name;
  suite.plugin = plan.advice.plugin;
  suite.train = train;
  suite.data = data_keys(plan.advice, plan.chosen);
  suite.options = option_keys(plan.advice, plan.chosen);
  suite.dev = absolute_or_none(choose_dev(*values, train, asking));
  suite.test =
      absolute_or_none(values->contains("test") ? value_or_none(*values, "test") : find_beside(train, {"test"}));
  if (!values->contains("test") && suite.test == suite.dev) suite.test.clear();  // chosen by, so no test any more
  suite.model = choose_model(*values, asking);
  print_plan(suite, plan.advice);
  write_suite(suite, out, registry);
  fmt::print("written: {}\n\n", out.string());
  if (suite.model.empty()) {
    fmt::print(
        "It needs a model before it runs: set BERTH_MODEL to the folder of a BERT, or write the folder into [model] "
        "path.\nThen:\n  berth run {}\n",
        shown_path(out));
    return 0;
  }
  Arguments of_check = {out.string()};
  for (const auto& folder : list_of(*values, "plugin-path")) of_check.insert(of_check.end(), {"--plugin-path", folder});
  check(of_check);
  fmt::print("\nnow train it:\n  berth run {}\n", shown_path(out));
  return 0;
}

}  // namespace berth::app
