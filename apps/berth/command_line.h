// What all commands share: parsing with --help and examples, and finding plugins.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/variables_map.hpp>
#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/registry.h"
#include "core/report/shell_word.h"

namespace berth::app {

using Arguments = std::vector<std::string>;

struct Usage {
  std::string line;      // "berth run SUITE.toml [options]"
  std::string summary;   // one sentence
  std::string examples;  // lines to copy
  boost::program_options::options_description options;
  // Each a string; or one name for any number of them, which then is Arguments. Completions know what a name stands
  // for.
  boost::program_options::positional_options_description positional;
};

void add_help(boost::program_options::options_description& options);

// Adds --help. Prints help and returns nothing where it is asked for. Throws Error kConfig for a wrong command line.
std::optional<boost::program_options::variables_map> parse(Usage& usage, const Arguments& arguments);

using report::shell_word;

// "--plugin-path", for commands that load plugins.
void add_plugin_path(boost::program_options::options_description& options);
std::vector<std::filesystem::path> plugin_folders(const boost::program_options::variables_map& values);
plugin::Registry find_plugins(const boost::program_options::variables_map& values);

// "--json", for commands that print a table: one JSON object on standard output instead, and nothing besides.
void add_json(boost::program_options::options_description& options);
bool wants_json(const boost::program_options::variables_map& values);
void print_json(const nlohmann::ordered_json& json);
// Where a command tells how it gets on: standard error with --json, standard output without.
std::FILE* progress_stream(const boost::program_options::variables_map& values);

// The value of an option that must be there. Throws Error kConfig.
std::string required(const boost::program_options::variables_map& values, const std::string& name,
                     const std::string& how);

}  // namespace berth::app
