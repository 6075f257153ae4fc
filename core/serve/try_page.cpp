#include "core/serve/try_page.h"

#include <fmt/format.h>

#include <string_view>

#include "core/report/html/html_writer.h"
#include "core/report/html/page_files.h"
#include "core/serve/service.h"

namespace berth::serve {
namespace {

using report::html::escaped;

constexpr std::string_view kStyle = R"css(
.try form { display: grid; gap: 0.75rem; max-width: 46rem; }
.try label { display: grid; gap: 0.25rem; font-weight: 600; }
.try textarea {
  font: inherit; color: inherit; background: var(--card); border: 1px solid var(--strong-line); border-radius: 6px;
  width: 100%; padding: 0.5rem 0.65rem; resize: vertical;
}
.try button {
  justify-self: start; font: inherit; font-weight: 600; color: var(--ground); background: var(--accent); border: 0;
  border-radius: 6px; padding: 0.5rem 1.4rem; cursor: pointer;
}
.try button:disabled { opacity: 0.6; cursor: progress; }
.try .result { margin-top: 1rem; min-height: 1.5rem; }
.try .result pre { white-space: pre-wrap; background: var(--code); padding: 0.75rem; border-radius: 6px; }
)css";

// The server's HTML is put into the page as it is: its texts are escaped there. Everything else goes in as text.
constexpr std::string_view kScript = R"js(
(() => {
  "use strict";
  const rowOf = (form) => {
    const json = form.querySelector("textarea[data-json]");
    if (json) return json.value;
    const row = {};
    for (const field of form.querySelectorAll("textarea")) row[field.name] = field.value;
    return JSON.stringify(row);
  };
  const show = (result, answer) => {
    result.innerHTML = answer.html;
    const details = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "as JSON";
    const pre = document.createElement("pre");
    pre.textContent = JSON.stringify(answer.answer, null, 2);
    details.append(summary, pre);
    result.append(details);
  };
  const ask = async (form) => {
    const result = form.parentElement.querySelector(".result");
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const response = await fetch("v1/show/" + encodeURIComponent(form.dataset.task), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: rowOf(form),
      });
      const answer = await response.json();
      if (response.ok) show(result, answer);
      else result.textContent = answer.error.message;
    } catch (error) {
      result.textContent = "The server gave no answer: " + error.message;
    } finally {
      button.disabled = false;
    }
  };
  for (const form of document.querySelectorAll("form[data-task]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
  }
})();
)js";

std::string text_of(const nlohmann::ordered_json& row, const std::string& field) {
  const auto found = row.find(field);
  return found != row.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string fields_html(const ServedTask& task) {
  if (task.fields.empty()) {
    return "<label>a row, as JSON <textarea data-json rows=\"4\" spellcheck=\"false\">{}</textarea></label>\n";
  }
  std::string html;
  for (const auto& field : task.fields) {
    // The line feed after the tag is the parser's: without it, one that the text begins with would be lost.
    html += fmt::format("<label>{0} <textarea name=\"{0}\" rows=\"3\" dir=\"auto\">\n{1}</textarea></label>\n",
                        escaped(field), escaped(text_of(task.example, field)));
  }
  return html;
}

std::string task_html(const ServedTask& task, std::size_t number) {
  return fmt::format(
      "<section class=\"try\" id=\"task-{0}\" aria-labelledby=\"task-{0}-h\">\n<h2 id=\"task-{0}-h\">{1}</h2>\n"
      "<p>{2}</p>\n<form data-task=\"{1}\">\n{3}<button type=\"submit\">Ask</button>\n</form>\n"
      "<div class=\"result\" role=\"status\"></div>\n</section>\n",
      number, escaped(task.name), escaped(task.plugin), fields_html(task));
}

}  // namespace

std::string try_page(const std::vector<ServedTask>& tasks, const std::string& checkpoint) {
  std::string nav;
  std::string sections;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    nav += fmt::format("<li><a href=\"#task-{}\">{}</a></li>\n", i, escaped(tasks[i].name));
    sections += task_html(tasks[i], i);
  }
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>berth: try the model</title>\n"
      "<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"page.css\">\n"
      "<script src=\"page.js\" defer></script>\n</head>\n<body>\n"
      "<a class=\"skip\" href=\"#main\">Skip to the tasks</a>\n<div class=\"page\">\n"
      "<nav aria-label=\"Tasks\"><ul>\n{}</ul></nav>\n<main id=\"main\" tabindex=\"-1\">\n<header>\n"
      "<h1>Try the model</h1>\n<p>Checkpoint {}. Ctrl-Enter asks, too. Programs ask as <code>GET /v1/tasks</code> "
      "says.</p>\n<noscript><p>This page needs JavaScript.</p></noscript>\n</header>\n{}</main>\n</div>\n</body>\n"
      "</html>\n",
      nav, escaped(checkpoint), sections);
}

std::string try_style() { return std::string(report::page_style()).append(kStyle); }

std::string try_script() { return std::string(report::page_script()).append(kScript); }

}  // namespace berth::serve
