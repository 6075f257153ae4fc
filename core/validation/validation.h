// What `berth validate-plugin` asks of a plugin: checks of its file that run none of its code, of the plugin alone, and
// of its tasks on a suite's data. A check that runs the plugin's code is meant for a process of its own: a plugin may
// trap, hang, or leave the process in a state that the next check would suffer from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/suite/suite.h"

namespace berth::validation {

struct Subject {
  std::filesystem::path file;         // absolute
  std::optional<suite::Suite> suite;  // see only_task()
  std::int64_t seed = 1;              // of all that a check draws
};

// Thrown by checks where the suite can't be used at all: its model or its data, which are no matter of the plugin's.
class BadSuite : public Error {
 public:
  explicit BadSuite(const Error& cause) : Error(cause) {}
};

enum class Needs : std::uint8_t {
  kFile,   // looks at the file alone, and runs none of its code
  kCode,   // loads the plugin
  kSuite,  // loads it, and needs a suite with a model and data
};

struct Check {
  std::string name;  // of a-z and '-'
  std::string asks;  // what must hold, for people
  Needs needs;
  // What was found, for people; throws Error (of any kind) with what is wrong.
  std::string (*run)(const Subject& subject);
};

const std::vector<Check>& checks();

// The suite with one task alone: the named one, or the first of the plugin with this id; of its sets, the training set
// alone. Throws Error kConfig where there is none.
suite::Suite only_task(suite::Suite suite, const std::string& plugin, const std::string& task);

}  // namespace berth::validation
