// berth completions: a script by which a shell completes berth's commands, options and values. It is made from what the
// commands declare, so that it can't differ from what they take.
#include <fmt/format.h>

#include <boost/program_options/value_semantic.hpp>
#include <sstream>

#include "apps/berth/commands.h"
#include "apps/berth/completion_scripts.h"
#include "core/platform/whole_file.h"

namespace berth::app {
namespace po = boost::program_options;

Usage completions_usage() {
  Usage usage;
  usage.line = "berth completions bash|zsh|fish [options]";
  usage.summary =
      "Prints completions for a shell. `cmake --install` and the Debian package put them where the shells look;\n"
      "otherwise source them. `berth completions plugins` prints the plugins' names, for which the completions ask.";
  usage.examples =
      "  source <(berth completions bash)                                         # in ~/.bashrc\n"
      "  source <(berth completions zsh)                                          # in ~/.zshrc, after compinit\n"
      "  berth completions fish --out ~/.config/fish/completions/berth.fish\n";
  usage.positional.add("shell", 1);
  usage.options.add_options()("out", po::value<std::string>()->value_name("FILE"),
                              "the file to write (default: standard output)");
  add_plugin_path(usage.options);
  return usage;
}

namespace {

// "best|last|DIR": words in small letters stand for themselves, the others for what they name.
Completable completable(const std::string& placeholder) {
  using Kind = Completable::From;
  static constexpr std::pair<std::string_view, Kind> kNames[] = {
      {"FILE", Kind::kFiles},      {"FILE.so", Kind::kFiles},  {"SUITE.toml", Kind::kSuites}, {"DIR", Kind::kFolders},
      {"RUN_DIR", Kind::kFolders}, {"FOLDER", Kind::kFolders}, {"PLUGIN", Kind::kPlugins}};
  Completable result;
  std::istringstream parts(placeholder);
  for (std::string part; std::getline(parts, part, '|');) {
    for (const auto& [name, from] : kNames) {
      if (part == name) result.from.push_back(from);
    }
    if (part[0] >= 'a' && part[0] <= 'z') result.words.push_back(part);
  }
  return result;
}

// What a positional argument of this name stands for; other names can't be completed.
std::string placeholder_of_argument(const std::string& name) {
  static constexpr std::pair<std::string_view, const char*> kNames[] = {
      {"suite", "SUITE.toml"}, {"run", "RUN_DIR"},   {"data", "FILE"},
      {"file", "FILE"},        {"plugin", "PLUGIN"}, {"shell", "bash|zsh|fish"}};
  for (const auto& [known, placeholder] : kNames) {
    if (name == known) return placeholder;
  }
  return "NAME";
}

CompletedOption completed(const po::option_description& option) {
  CompletedOption result;
  result.name = option.long_name();
  result.description = option.description();
  const auto& semantic = *option.semantic();
  result.is_repeatable = semantic.is_composing();
  if (semantic.min_tokens() == 0) return result;  // a flag, or "--watch[=PORT]", which takes no next word
  const auto name = semantic.name();              // with a default: "N (=1)"
  result.placeholder = name.substr(0, name.find(' '));
  result.value = completable(result.placeholder);
  return result;
}

CompletedCommand completed(const Command& command) {
  CompletedCommand result;
  result.name = command.name;
  result.summary = command.summary;
  auto usage = command.usage();
  add_help(usage.options);
  for (const auto& option : usage.options.options()) result.options.push_back(completed(*option));
  const auto arguments = usage.positional.max_total_count();
  if (arguments == 0) return result;
  result.argument = placeholder_of_argument(usage.positional.name_for_position(0));
  result.has_many_arguments = arguments > 1;
  result.value = completable(result.argument);
  return result;
}

// One a line, so that a shell reads it easily.
std::string plugin_ids(const plugin::Registry& registry) {
  std::string text;
  for (const auto& info : registry.plugins()) text.append(info.id).append("\n");
  return text;
}

std::string text_for(const std::string& shell, const po::variables_map& values) {
  if (shell == "plugins") return plugin_ids(find_plugins(values));
  std::vector<CompletedCommand> all;
  all.reserve(commands().size());
  for (const auto& command : commands()) all.push_back(completed(command));
  if (shell == "bash") return bash_completions(all);
  if (shell == "zsh") return zsh_completions(all);
  if (shell == "fish") return fish_completions(all);
  throw Error(ErrorKind::kConfig, fmt::format("no completions for '{}'; there are some for bash, zsh and fish", shell));
}

}  // namespace

int completions(const Arguments& arguments) {
  auto command = completions_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto text = text_for(required(*values, "shell", "usage: " + command.line), *values);
  if (values->contains("out")) {
    platform::write_text((*values)["out"].as<std::string>(), text);
  } else {
    fmt::print("{}", text);
  }
  return 0;
}

}  // namespace berth::app
