#include "apps/berth/command_line.h"

#include "apps/berth/apart.h"

#include <fmt/format.h>

#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "berth/error.h"

namespace berth::app {
namespace po = boost::program_options;

void add_help(po::options_description& options) { options.add_options()("help,h", "show this help"); }

std::optional<po::variables_map> parse(Usage& usage, const Arguments& arguments) {
  add_help(usage.options);
  po::options_description all;
  all.add(usage.options);
  // Positional arguments are hidden options of the parser; the usage line shows them.
  po::options_description hidden;
  if (usage.positional.max_total_count() == std::numeric_limits<unsigned>::max()) {
    hidden.add_options()(usage.positional.name_for_position(0).c_str(), po::value<Arguments>());
  } else {
    for (unsigned i = 0; i < usage.positional.max_total_count(); ++i) {
      hidden.add_options()(usage.positional.name_for_position(i).c_str(), po::value<std::string>());
    }
  }
  all.add(hidden);
  po::variables_map values;
  try {
    po::store(po::command_line_parser(arguments).options(all).positional(usage.positional).run(), values);
    po::notify(values);
  } catch (const po::error& e) {
    throw Error(ErrorKind::kConfig, fmt::format("{}\nusage: {}\nmore: {} --help", e.what(), usage.line,
                                                usage.line.substr(0, usage.line.find(' ', sizeof("berth")))));
  }
  if (values.contains("help")) {
    std::cout << "usage: " << usage.line << "\n\n"
              << usage.summary << "\n\n"
              << usage.options << "\nexamples:\n"
              << usage.examples;
    return std::nullopt;
  }
  return values;
}

void add_plugin_path(po::options_description& options) {
  options.add_options()(
      "plugin-path", po::value<std::vector<std::string>>()->composing()->value_name("DIR"),
      "a folder to look for plugins in first (repeatable; also BERTH_PLUGIN_PATH, separated by colons)");
}

namespace {

std::vector<std::filesystem::path> named_folders(const po::variables_map& values) {
  if (!values.contains("plugin-path")) return {};
  const auto& names = values["plugin-path"].as<std::vector<std::string>>();
  return {names.begin(), names.end()};
}

}  // namespace

std::vector<std::filesystem::path> plugin_folders(const po::variables_map& values) {
  return plugin::search_folders(named_folders(values));
}

plugin::Registry find_plugins(const po::variables_map& values) {
  return plugin::Registry(named_folders(values), plugin::warn_on_stderr, try_to_load);
}

void add_json(po::options_description& options) {
  options.add_options()("json", po::bool_switch(), "print one JSON object in place of text, for programs");
}

bool wants_json(const po::variables_map& values) { return values["json"].as<bool>(); }

void print_json(const nlohmann::ordered_json& json) {
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

std::FILE* progress_stream(const po::variables_map& values) { return wants_json(values) ? stderr : stdout; }

std::string required(const po::variables_map& values, const std::string& name, const std::string& how) {
  if (!values.contains(name)) throw Error(ErrorKind::kConfig, fmt::format("{} is missing: {}", name, how));
  return values[name].as<std::string>();
}

}  // namespace berth::app
