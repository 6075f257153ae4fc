#include <fmt/format.h>
#include <fmt/ranges.h>

#include "berth/plugin.h"
#include "core/plugin/manifest_reader.h"
#include "core/plugin/mapped_file.h"
#include "core/suite/option_binder.h"
#include "core/validation/checks.h"

namespace berth::validation {
namespace {

// One line, and not empty.
void check_help(const suite::OptionBinder& options, const std::string& whose) {
  for (const auto& option : options.fields()) {
    if (option.help.empty() || option.help.find('\n') != std::string::npos) {
      fail(fmt::format("{}: the help of '{}' has to be one line, and is '{}'", whose, option.name, option.help));
    }
  }
}

}  // namespace

std::string check_manifest(const Subject& subject) {
  const auto read = plugin::read_manifest(subject.file);
  if (const auto* refusal = std::get_if<plugin::Refusal>(&read)) fail("the file " + refusal->reason);
  const auto& manifest = std::get<Manifest>(read);
  if (const auto reason = plugin::judge_manifest(manifest, plugin::host_manifest()); !reason.empty()) fail(reason);
  return fmt::format("{} {}, built for {}", manifest.id, manifest.version, plugin::built_for(manifest));
}

std::string check_exports(const Subject& subject) {
  const plugin::MappedFile file(subject.file);
  if (!file.reason().empty()) fail("the file " + file.reason());
  const auto read = plugin::exported_symbols(file.bytes());
  if (const auto* refusal = std::get_if<plugin::Refusal>(&read)) fail("the file " + refusal->reason);
  auto names = std::get<std::vector<std::string>>(read);
  if (names == std::vector<std::string>{BERTH_ENTRY_NAME}) return BERTH_ENTRY_NAME;
  if (names.empty()) fail("it exports nothing; build it with berth_add_plugin(), and end it with BERTH_PLUGIN(...)");
  constexpr std::size_t kShown = 5;
  const auto count = names.size();
  if (count > kShown) names.resize(kShown);
  fail(fmt::format("it exports {} symbols ({}{}), expected {} alone; build it with berth_add_plugin()", count,
                   fmt::join(names, ", "), count > kShown ? ", ..." : "", BERTH_ENTRY_NAME));
}

std::string check_load(const Subject& subject) {
  const auto found = find(subject);
  found.registry.create(found.id, {});
  found.registry.create(found.id, {});  // a second task of the same plugin
  if (!found.warnings->empty()) fail(found.warnings->front());
  return "two tasks made";
}

std::string check_options(const Subject& subject) {
  const auto found = find(subject);
  const auto task = found.registry.create(found.id, {});
  suite::OptionBinder options;
  plugin::guarded({"the task", "describe"}, [&] { task->describe(options); });
  options.check();
  check_help(options, "the task");
  const auto reader = plugin::guarded({"the task", "make_reader"}, [&] { return task->make_reader(); });
  if (!reader) fail("make_reader() returned no reader");
  suite::OptionBinder data;
  plugin::guarded({"the reader", "describe"}, [&] { reader->describe(data); });
  data.check();
  check_help(data, "the reader");
  return fmt::format("{} of the task, {} of the reader", options.fields().size(), data.fields().size());
}

}  // namespace berth::validation
