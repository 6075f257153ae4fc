// What all commands share: parsing with --help and examples, and finding plugins.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/variables_map.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/plugin/registry.h"

namespace berth::app {

using Arguments = std::vector<std::string>;

struct Usage {
  std::string line;      // "berth run SUITE.toml [options]"
  std::string summary;   // one sentence
  std::string examples;  // lines to copy
  boost::program_options::options_description options;
  // Each a string; or one name for any number of them, which then is Arguments.
  boost::program_options::positional_options_description positional;
};

// Adds --help. Prints help and returns nothing where it is asked for. Throws Error kConfig for a wrong command line.
std::optional<boost::program_options::variables_map> parse(Usage& usage, const Arguments& arguments);

// For commands that a reader is to copy: in quotes where a shell would take it otherwise.
std::string shell_word(const std::string& text);

// "--plugin-path", for commands that load plugins.
void add_plugin_path(boost::program_options::options_description& options);
std::vector<std::filesystem::path> plugin_folders(const boost::program_options::variables_map& values);
plugin::Registry find_plugins(const boost::program_options::variables_map& values);

// The value of an option that must be there. Throws Error kConfig.
std::string required(const boost::program_options::variables_map& values, const std::string& name,
                     const std::string& how);

}  // namespace berth::app
