#include <fmt/format.h>

#include "berth/manifest.h"
#include "core/report/html/html_writer.h"
#include "core/report/html/sections.h"
#include "core/report/run_json.h"
#include "core/report/shell_word.h"

namespace berth::report::html {
namespace {

std::string command_html(const std::string& what, const std::string& command) {
  return fmt::format("<p>{}</p>\n<pre class=\"command\" tabindex=\"0\"><code>{}</code></pre>\n", what,
                     escaped(command));
}

std::string versions_html(const RunData& run) {
  Table table;
  table.caption = "Versions";
  table.columns = {{"what", CellKind::kText}, {"version", CellKind::kText}};
  const auto berth = text_at(run.summary, "berth");
  if (!berth.empty()) table.rows.push_back({text_cell("berth that trained"), text_cell(berth)});
  table.rows.push_back({text_cell("berth that wrote this report"), text_cell(version())});
  table.rows.push_back(
      {text_cell("LibTorch of the latter"),
       text_cell(fmt::format("{}.{}.{}", TORCH_VERSION_MAJOR, TORCH_VERSION_MINOR, TORCH_VERSION_PATCH))});
  return table_html(table);
}

std::string checkpoints_html(const RunData& run) {
  if (run.checkpoints.empty()) return "";
  Table table;
  table.caption = "Checkpoints";
  table.note = "The hash is one SHA-256 over all that was learned: equal runs have equal ones.";
  table.columns = {{"folder", CellKind::kText}, {"links", CellKind::kText}, {"hash", CellKind::kText}};
  for (const auto& checkpoint : run.checkpoints) {
    std::string links;
    for (const auto& link : checkpoint.links) links.append(links.empty() ? "" : ", ").append(link);
    table.rows.push_back({text_cell(checkpoint.folder),
                          text_cell(links),
                          {fmt::format("<code>{}</code>", escaped(checkpoint.content)), "hash"}});
  }
  return table_html(table);
}

}  // namespace

Section origin_section(const RunData& run) {
  Section section{"origin", "Where it comes from", ""};
  const auto suite = shell_word(run.path + "/suite.toml");
  section.html = command_html("To train the same again:", "berth run " + suite);
  if (!is_finished_ending(run.ending())) {
    section.html +=
        command_html("To go on with it, where it has stopped:", "berth run --resume " + shell_word(run.path));
  }
  section.html += command_html("To write this page anew:", "berth report " + shell_word(run.path));
  section.html += checkpoints_html(run) + versions_html(run);
  if (!run.suite_text.empty()) {
    section.html += fmt::format(
        "<h3>The suite</h3>\n<pre class=\"suite\" tabindex=\"0\" aria-label=\"suite.toml\" role=\"group\"><code>{}"
        "</code></pre>\n",
        escaped(run.suite_text));
  }
  return section;
}

}  // namespace berth::report::html
