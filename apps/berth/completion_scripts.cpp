#include "apps/berth/completion_scripts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>

namespace berth::app {
namespace {

using From = Completable::From;

std::string replaced(const std::string& text, char old, std::string_view by) {
  std::string result;
  for (const char c : text) {
    if (c == old) {
      result += by;
    } else {
      result += c;
    }
  }
  return result;
}

// In single quotes, for bash and zsh.
std::string quoted(const std::string& text) {
  auto result = replaced(text, '\'', R"('\'')");
  return "'" + result + "'";
}

// --- bash

constexpr std::string_view kBashBegin = R"bash(# Completions of berth for bash, made by `berth completions bash`.
# _berth_values KIND...: adds what a value of these kinds may be. A word in small letters stands for itself.
_berth_values() {
  local kind
  for kind; do
    case $kind in
      FILES)
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
        compopt -o filenames 2>/dev/null
        ;;
      SUITES)
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(
          compgen -f -X '!*.toml' -- "$current"
          compgen -d -- "$current"
        )
        compopt -o filenames 2>/dev/null
        ;;
      FOLDERS)
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current")
        compopt -o filenames 2>/dev/null
        ;;
      PLUGINS)
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(
          compgen -W "$("${COMP_WORDS[0]}" completions plugins 2>/dev/null)" -- "$current"
        )
        ;;
      *) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$kind" -- "$current") ;;
    esac
  done
}

_berth() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  local -a options=() argument=()
  COMPREPLY=()
  # "--out=runs" comes in three words.
  if [ "$current" = = ]; then
    current=''
  elif [ "$previous" = = ]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
)bash";

constexpr std::string_view kBashEnd = R"bash(  if [[ $current == -* ]]; then
    _berth_values "${options[@]}"
  else
    _berth_values "${argument[@]}"
  fi
}

complete -F _berth berth
)bash";

std::string bash_kinds(const Completable& value) {
  static constexpr std::string_view kNames[] = {"FILES", "SUITES", "FOLDERS", "PLUGINS"};
  std::vector<std::string> kinds = value.words;
  for (const auto from : value.from) kinds.emplace_back(kNames[static_cast<std::size_t>(from)]);
  return fmt::format("{}", fmt::join(kinds, " "));
}

// --- zsh

constexpr std::string_view kZshBegin = R"zsh(#compdef berth
# Completions of berth for zsh, made by `berth completions zsh`.
_berth_plugins() {
  local -a ids=(${(f)"$(_call_program plugins $program completions plugins 2>/dev/null)"})
  _wanted plugins expl plugin compadd -a ids
}

_berth() {
  local program=$words[1] curcontext=$curcontext expl
  local -a commands
)zsh";

constexpr std::string_view kZshEnd = R"zsh(  esac
}

# Read by the completion system, or sourced.
if [ "$funcstack[1]" = _berth ]; then
  _berth "$@"
else
  compdef _berth berth
fi
)zsh";

std::string zsh_action(const Completable& value) {
  static constexpr std::string_view kActions[] = {"_files", "_files -g \"*.toml\"", "_files -/", "_berth_plugins"};
  std::vector<std::string> actions;
  if (!value.words.empty()) actions.push_back(fmt::format("compadd {}", fmt::join(value.words, " ")));
  for (const auto from : value.from) actions.emplace_back(kActions[static_cast<std::size_t>(from)]);
  if (actions.empty()) return " ";
  return actions.size() == 1 && value.words.empty() ? actions[0] : fmt::format("{{ {} }}", fmt::join(actions, "; "));
}

// What stands in brackets.
std::string zsh_text(const std::string& text) {
  return replaced(replaced(replaced(text, '\\', R"(\\)"), '[', R"(\[)"), ']', R"(\])");
}

std::string zsh_option(const CompletedOption& option) {
  const auto begin = fmt::format("{}--{}", option.is_repeatable ? "*" : "", option.name);
  if (option.placeholder.empty()) return fmt::format("{}[{}]", begin, zsh_text(option.description));
  return fmt::format("{}=[{}]:{}:{}", begin, zsh_text(option.description), option.placeholder,
                     zsh_action(option.value));
}

// --- fish

constexpr std::string_view kFishBegin = R"fish(# Completions of berth for fish, made by `berth completions fish`.
function __berth_command -d 'Whether the command line is of this command of berth; of none, without an argument'
    set -l words (commandline -opc)
    if test (count $argv) -eq 0
        test (count $words) -eq 1
    else
        test (count $words) -ge 2; and test $words[2] = $argv[1]
    end
end

function __berth_plugins -d 'The names of the plugins that berth finds'
    set -l words (commandline -opc)
    $words[1] completions plugins 2>/dev/null
end

complete -c berth -f
complete -c berth -n __berth_command -l help -s h -d 'show the commands'
complete -c berth -n __berth_command -l version -d 'show the version'
)fish";

std::string fish_quoted(const std::string& text) {
  return "'" + replaced(replaced(text, '\\', R"(\\)"), '\'', R"(\')") + "'";
}

// " -a WORDS", and " -F" for files, which are switched off otherwise.
std::string fish_value(const Completable& value) {
  std::vector<std::string> words = value.words;
  bool has_files = false;
  for (const auto from : value.from) {
    switch (from) {
      case From::kFiles:
        has_files = true;
        break;
      case From::kSuites:
        words.emplace_back("(__fish_complete_suffix .toml)");
        break;
      case From::kFolders:
        words.emplace_back("(__fish_complete_directories)");
        break;
      case From::kPlugins:
        words.emplace_back("(__berth_plugins)");
        break;
    }
  }
  std::string text = has_files ? " -F" : " -f";
  if (!words.empty()) text += fmt::format(" -a '{}'", fmt::join(words, " "));
  return text;
}

}  // namespace

std::string bash_completions(const std::vector<CompletedCommand>& commands) {
  std::string text(kBashBegin);
  std::string names = "--help --version";
  for (const auto& command : commands) names.append(" ").append(command.name);
  text += fmt::format("  if ((COMP_CWORD == 1)); then\n    _berth_values {}\n    return\n  fi\n", names);
  text += "  case \"$command $previous\" in\n";
  for (const auto& command : commands) {
    for (const auto& option : command.options) {
      if (option.placeholder.empty()) continue;
      text += fmt::format("    '{} --{}')\n      _berth_values {}\n      return\n      ;;\n", command.name, option.name,
                          bash_kinds(option.value));
    }
  }
  text += "  esac\n  case $command in\n";
  for (const auto& command : commands) {
    text += fmt::format("    {})\n      options=(", command.name);
    for (const auto& option : command.options) text.append(text.back() == '(' ? "--" : " --").append(option.name);
    text += fmt::format(")\n      argument=({})\n      ;;\n", bash_kinds(command.value));
  }
  text += "  esac\n";
  return text.append(kBashEnd);
}

std::string zsh_completions(const std::vector<CompletedCommand>& commands) {
  std::string text(kZshBegin);
  text += "  commands=(\n";
  for (const auto& command : commands) text += fmt::format("    {}\n", quoted(command.name + ":" + command.summary));
  text +=
      "  )\n  if ((CURRENT == 2)); then\n    _describe -t commands 'command of berth' commands\n"
      "    compadd -- --help --version\n    return\n  fi\n  local command=$words[2]\n  shift words\n"
      "  ((CURRENT--))\n  case $command in\n";
  for (const auto& command : commands) {
    text += fmt::format("    {})\n      _arguments \\\n", command.name);
    for (const auto& option : command.options) {
      text += fmt::format("        {} \\\n", quoted(zsh_option(option)));
    }
    if (!command.argument.empty()) {
      text += fmt::format("        {} \\\n", quoted(fmt::format("{}:{}:{}", command.has_many_arguments ? "*" : "1",
                                                                command.argument, zsh_action(command.value))));
    }
    text += "        && return\n      ;;\n";
  }
  return text.append(kZshEnd);
}

std::string fish_completions(const std::vector<CompletedCommand>& commands) {
  std::string text(kFishBegin);
  for (const auto& command : commands) {
    text +=
        fmt::format("complete -c berth -n __berth_command -a {} -d {}\n", command.name, fish_quoted(command.summary));
    const auto begin = fmt::format("complete -c berth -n '__berth_command {}'", command.name);
    for (const auto& option : command.options) {
      const auto value = option.placeholder.empty() ? "" : " -r" + fish_value(option.value);
      text += fmt::format("{} -l {}{} -d {}\n", begin, option.name, value, fish_quoted(option.description));
    }
    if (!command.argument.empty()) text.append(begin).append(fish_value(command.value)).append("\n");
  }
  return text;
}

}  // namespace berth::app
