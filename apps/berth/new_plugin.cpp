// berth new-plugin: a whole project to begin with, made from one of the SDK's templates. A template is a folder whose
// one .cpp file has the plugin's name; that name, in all of its files, becomes the new plugin's.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>

#include "apps/berth/commands.h"
#include "core/model/json_text.h"
#include "core/platform/program_path.h"
#include "core/platform/whole_file.h"
#include "core/suite/option_binder.h"
#include "core/suite/resolve_path.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace po = boost::program_options;

Usage new_plugin_usage() {
  Usage usage;
  usage.line = "berth new-plugin NAME [--like KIND] [options]";
  usage.summary =
      "Makes a folder with a whole plugin of about 100 lines that builds, trains and is tested as it is: sources, "
      "CMake,\n"
      "a suite, some data, README. Then change it into yours.";
  usage.examples =
      "  berth new-plugin mood\n"
      "  berth new-plugin dates --like tagging --model models/minilm --to plugins/dates\n";
  usage.positional.add("name", 1);
  usage.options.add_options()(
      "like",
      po::value<std::string>()->default_value("classification")->value_name("classification|tagging|span|generation"),
      "what the new plugin is to be like")("to", po::value<std::string>()->value_name("FOLDER"), "default: NAME")(
      "model", po::value<std::string>()->value_name("FOLDER"),
      "the BERT that its suite trains; default: what the environment variable BERTH_MODEL names then");
  return usage;
}

namespace {

constexpr const char* kModelVariable = "\"${BERTH_MODEL}\"";  // of the templates' suites

fs::path program_folder() {
  const auto program = platform::program_path();
  if (program.empty()) throw Error(ErrorKind::kIo, "the program's own folder can't be found; is /proc mounted?");
  return program.parent_path();
}

// Beside the program where it was built, in share/berth where it is installed.
fs::path templates_folder() {
  const auto folder = program_folder();
  for (const auto& candidate : {folder / "templates", folder / "../share/berth/templates"}) {
    if (fs::is_directory(candidate)) return fs::canonical(candidate);
  }
  throw Error(ErrorKind::kIo, {(folder / "../share/berth/templates").lexically_normal().string()},
              "the SDK's templates are not there; install berth again");
}

fs::path find_template(const std::string& kind) {
  const auto folder = templates_folder();
  std::vector<std::string> known;
  for (const auto& entry : fs::directory_iterator(folder)) known.push_back(entry.path().filename().string());
  std::sort(known.begin(), known.end());
  if (std::find(known.begin(), known.end(), kind) != known.end()) return folder / kind;
  const auto nearest = suite::nearest_name(kind, known);
  throw Error(ErrorKind::kConfig, fmt::format("--like {}: there is no such template{}; there are: {}", kind,
                                              nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest),
                                              fmt::join(known, ", ")));
}

std::string name_of_template(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".cpp") return entry.path().stem().string();
  }
  throw Error(ErrorKind::kIo, {folder.string()}, "is no template: it has no .cpp file; install berth again");
}

// It is a plugin's id, a target of CMake, a file and the beginning of C++ names.
void check_name(const std::string& name) {
  if (!suite::is_snake_case(name) || name.size() > 63) {
    throw Error(ErrorKind::kConfig,
                fmt::format("'{}' can't be a plugin's name; use a-z, 0-9 and '_', a letter first, at most 63", name));
  }
  // Targets of CMake's own, and beginnings of the SDK's class names (DatasetReader, RecordExample).
  for (const char* taken : {"all", "clean", "dataset", "help", "install", "package", "test", "record", "berth"}) {
    if (name == taken) throw Error(ErrorKind::kConfig, fmt::format("'{}' is taken; choose another name", name));
  }
}

// "my_task" -> "MyTask".
std::string to_camel(const std::string& name) {
  std::string camel;
  bool is_start = true;
  for (const char c : name) {
    if (c == '_') {
      is_start = true;
    } else {
      camel += is_start && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      is_start = false;
    }
  }
  return camel;
}

// Not in the middle of another word: "stance" is no part of "instance".
std::string replace_all(std::string text, const std::string& old, const std::string& by) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (auto at = text.find(old); at != std::string::npos;) {
    const bool is_inside = at > 0 && is_letter(text[at - 1]) && old[0] >= 'a';
    if (!is_inside) text.replace(at, old.size(), by);
    at = text.find(old, at + (is_inside ? old : by).size());
  }
  return text;
}

struct NewPlugin {
  std::string name;
  fs::path to;
  std::string model;  // TOML, quotes included; "": as in the template
};

void write_project(const fs::path& from, const NewPlugin& plugin) {
  const auto old = name_of_template(from);
  const auto rename = [&](const std::string& text) {
    return replace_all(replace_all(text, old, plugin.name), to_camel(old), to_camel(plugin.name));
  };
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const auto target = plugin.to / rename(fs::relative(entry.path(), from).string());
    if (entry.is_directory()) {
      fs::create_directories(target);
      continue;
    }
    auto text = rename(model::read_text(entry.path()));
    if (!plugin.model.empty()) text = replace_all(text, kModelVariable, plugin.model);
    fs::create_directories(target.parent_path());
    platform::write_text(target, text);
    fmt::print("  {}\n", target.lexically_normal().string());
  }
}

// How this program is called and how find_package() finds its prefix: where both look anyway, or by path.
struct Installed {
  std::string program = "berth";
  std::string prefix_argument;
};

Installed how_installed() {
  const auto prefix = program_folder().parent_path();
  if (prefix == "/usr" || prefix == "/usr/local") return {};
  return {shell_word((prefix / "bin/berth").string()),
          fmt::format(" -DCMAKE_PREFIX_PATH={}", shell_word(prefix.string()))};
}

}  // namespace

int new_plugin(const Arguments& arguments) {
  auto command = new_plugin_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  NewPlugin plugin;
  plugin.name = required(*values, "name", "usage: " + command.line);
  check_name(plugin.name);
  plugin.to = values->contains("to") ? fs::path((*values)["to"].as<std::string>()) : fs::path(plugin.name);
  if (plugin.to.empty()) throw Error(ErrorKind::kConfig, "--to is empty; give it a folder");
  const auto from = find_template((*values)["like"].as<std::string>());
  if (fs::exists(plugin.to) && !(fs::is_directory(plugin.to) && fs::is_empty(plugin.to))) {
    throw Error(ErrorKind::kIo, {plugin.to.string()}, "is there already; name another folder with --to");
  }
  std::string variable = "BERTH_MODEL=/path/to/a/bert ";
  if (values->contains("model")) {
    const fs::path model = (*values)["model"].as<std::string>();
    if (!fs::is_directory(model)) throw Error(ErrorKind::kIo, {model.string()}, "is no folder; --model wants a BERT's");
    plugin.model = suite::path_to_toml(fs::absolute(model).lexically_normal());
    variable.clear();
  }
  fmt::print("written:\n");
  write_project(from, plugin);
  const auto folder = shell_word(plugin.to.string());
  const auto installed = how_installed();
  fmt::print(
      "\nbuild it and train it:\n"
      "  cmake -S {0} -B {0}/build{1} && cmake --build {0}/build\n"
      "  {2}{3} run {0}/suite.toml --plugin-path {0}/build\n"
      "check what the SDK asks of it:\n"
      "  {2}ctest --test-dir {0}/build --output-on-failure\n",
      folder, installed.prefix_argument, variable, installed.program);
  return 0;
}

}  // namespace berth::app
