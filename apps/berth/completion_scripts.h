// Completions for bash, zsh and fish, from a table of the commands. Called by `berth completions`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace berth::app {

// What a value may be completed with: any of these.
struct Completable {
  enum class From : std::uint8_t { kFiles, kSuites, kFolders, kPlugins };
  std::vector<From> from;
  std::vector<std::string> words;
};

struct CompletedOption {
  std::string name;         // without "--"
  std::string description;  // one line
  std::string placeholder;  // "FILE"; "" for an option without a value
  bool is_repeatable = false;
  Completable value;
};

struct CompletedCommand {
  std::string name;
  std::string summary;
  std::vector<CompletedOption> options;
  std::string argument;  // the placeholder of its arguments; "" where it takes none
  bool has_many_arguments = false;
  Completable value;  // of the arguments
};

std::string bash_completions(const std::vector<CompletedCommand>& commands);
std::string zsh_completions(const std::vector<CompletedCommand>& commands);
std::string fish_completions(const std::vector<CompletedCommand>& commands);

}  // namespace berth::app
