#include "core/report/html/html_report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "core/report/html/page_files.h"
#include "core/text/utf8.h"
#include "tests/unit/checkpoint/temporary_folder.h"
#include "tests/unit/report/count.h"

namespace berth::report {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

// Run folders of a test, made by hand.
class HtmlReport : public ::testing::Test {
 protected:
  void write(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file, std::ios::binary) << text;
  }

  static std::string suite(const std::string& rate) {
    return "name = \"letters\"\n[optimizer]\nrate = " + rate +
           "\n[tasks.mood]\nplugin = \"classification\"\n[tasks.names]\nplugin = \"ner\"\n";
  }

  // A run that has ended, with all that a report shows.
  void whole(const std::string& name, const std::string& rate = "1e-4", double score = 0.75) {
    write(name + "/suite.toml", suite(rate));
    write(name + "/metrics.jsonl", metrics());
    write(name + "/summary.json",
          fmt::format(R"({{"berth": "1.1.0", "suite": "letters", "ending": "completed", "steps": 20,
      "training_seconds": 3.5, "peak_resident_bytes": 828096512, "seed": 42, "tasks": {{
      "mood": {{"plugin": "classification", "primary": "accuracy", "before": 0.25, "majority": 0.5, "checkpoint_step": 20,
                "sets": {{"dev": {{"accuracy": {}, "f1": null}}}}}},
      "names": {{"plugin": "ner", "primary": "f1", "before": 0.5, "failure": "nothing is right",
                 "diverged": {{"first_loss": 1, "last_loss": 9}}, "sets": {{"dev": {{"f1": 0}}}}}}}}}})",
                      score));
    write(name + "/predictions/mood.dev.shown.json", R"x({"examples": 4, "wrong": 60,
      "confusion": {"labels": ["good", "bad"], "counts": [[2, 1], [0, 1]]},
      "calibration": {"bins": [{"low": 0.5, "high": 0.6, "count": 3, "confidence": 0.55, "accuracy": 0.667}], "ece": 0.125},
      "worst": [{"texts": [{"title": "text", "text": "a fine day", "marks": [{"begin": 2, "end": 6, "kind": "answer"}]}],
                 "answer": "bad", "truth": "good", "error": 1, "reason": "quite sure of it", "file": "dev.tsv", "line": 3}]})x");
    write(name + "/analysis.json", R"({"weights": [{"step": 20, "changes": [
      {"group": "layers.0", "kind": "all", "relative_distance": 0.0123}]}],
      "tasks": {"mood": {"sets": {"dev": {"cka": [1, 0.5]}}, "trained": 0.75, "with_pretrained": {"layers.0": 0.5}}}})");
    write(name + "/checkpoints/step-20/manifest.json", R"({"content": "c0ffee", "files": {}})");
    fs::create_symlink("step-20", root_ / name / "checkpoints/best");
  }

  static std::string metrics() {
    std::string lines =
        R"({"kind":"plan","total_steps":20,"parameters":[{"name":"w","group":"layers.0","status":"trained","rate":0.0001,"weight_decay":0.01,"numbers":1234}]})"
        "\n"
        R"({"kind":"evaluation","step":0,"task":"mood","set":"dev","scores":{"accuracy":0.25}})"
        "\n";
    for (int step = 2; step <= 20; step += 2) {
      for (const auto* task : {"mood", "names"}) {
        lines += fmt::format(
            R"({{"kind":"train","step":{},"task":"{}","loss":{},"steps":1,"weight":1.0,"rate":0.0001,"gradient_norm":1.5,"training_seconds":{}}})"
            "\n",
            step, task, 1.0 / step, 0.5 * step);
      }
    }
    lines +=
        R"({"kind":"evaluation","step":20,"task":"mood","set":"dev","scores":{"accuracy":0.625}})"
        "\n"
        R"({"kind":"not_finite","step":7,"what":"loss","action":"skipped this step","examples":[{"file":"train.tsv","line":12}]})"
        "\n";
    return lines;
  }

  RunFolder open(const std::string& name) const { return RunFolder::open(root_ / name); }

  berth::testing::TemporaryFolder temporary_;
  fs::path root_ = temporary_.path();
};

TEST_F(HtmlReport, ShowsAllOfARun) {
  whole("run");
  const auto html = html_report({open("run")}, {});
  for (const auto* text : {"<html lang=\"en\">",
                           "<h1>letters</h1>",
                           "It learned.",
                           "It diverged",
                           "accuracy <b>0.7500</b> on dev",
                           "against 0.2500 before training and 0.5000 by always giving the most frequent label",
                           "mood: loss in training",
                           "Gradient norm",
                           "Share of the steps",
                           "1,234",
                           "Confusion on dev",
                           "0.1250",
                           "quite sure of it",
                           "dev.tsv:3",
                           "<mark class=\"answer\">fine</mark>",
                           "1.23",
                           "828 MB",
                           "train.tsv:12",
                           "skipped this step",
                           "c0ffee",
                           "and 59 more",
                           "rate = 1e-4",
                           "berth run "}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
  EXPECT_THAT(html, HasSubstr("<title>step 20: 0.625</title>"));            // a point of the chart
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">20</th><td>0.625</td>"));  // its row
  EXPECT_EQ(html_report({open("run")}, {}), html);
}

TEST_F(HtmlReport, AsksForNothingAndLetsNothingElseRun) {
  whole("run");
  const auto html = html_report({open("run")}, {});
  EXPECT_THAT(html, HasSubstr("default-src 'none'; style-src 'sha256-"));
  EXPECT_THAT(html, Not(HasSubstr("unsafe-inline")));
  EXPECT_THAT(html, Not(HasSubstr("http://")));
  EXPECT_THAT(html, Not(HasSubstr("https://")));
  EXPECT_THAT(html, Not(HasSubstr(" style=\"")));
  EXPECT_THAT(html, Not(HasSubstr("<body data-live>")));
  EXPECT_EQ(count(html, "<script>"), 1U);
  EXPECT_THAT(std::string(page_script()), Not(HasSubstr("</script")));
  EXPECT_THAT(std::string(page_style()), Not(HasSubstr("</style")));
  ReportOptions options;
  options.refresh = html::Refresh::kOften;
  const auto live = html_report({open("run")}, options);
  EXPECT_THAT(live, HasSubstr("<body data-live>"));
  EXPECT_THAT(live, HasSubstr("connect-src 'self'"));
}

// Whatever users' files hold, in every place where a report shows it.
TEST_F(HtmlReport, TextsOfFilesAreNeverMarkup) {
  whole("run");
  const std::string evil = R"(</script><script>alert(1)</script><img src=x onerror=alert(1)>'\" onclick=\u0007)";
  const auto replace = [&](const std::string& file, std::initializer_list<const char*> words) {
    std::ifstream in(root_ / file, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {});
    for (const std::string word : words) {
      for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + evil.size())) {
        text.replace(at, word.size(), evil);
      }
    }
    write(file, text);
  };
  replace("run/suite.toml", {"letters", "classification"});
  replace("run/metrics.jsonl",
          {"layers.0", "trained", "accuracy", "skipped this step", "train.tsv", "loss\",\"action"});
  replace("run/summary.json", {"letters", "completed", "accuracy", "classification", "nothing is right", "1.1.0"});
  replace("run/predictions/mood.dev.shown.json",
          {"good", "bad", "a fine day", "quite sure of it", "dev.tsv", "\"text\", \"text\": \"", "answer\"}]"});
  replace("run/analysis.json", {"layers.0", "all"});
  replace("run/checkpoints/step-20/manifest.json", {"c0ffee"});
  std::ofstream(root_ / "run/suite.toml", std::ios::binary | std::ios::app) << "# \xFF\xC3 \x01 <b>\n";
  const auto html = html_report({open("run")}, {});
  EXPECT_EQ(count(html, "<script"), 1U);
  EXPECT_EQ(count(html, "</script"), 1U);
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("<b>\n")));
  EXPECT_THAT(html, Not(HasSubstr("'\" onclick")));
  EXPECT_THAT(html, HasSubstr("&lt;img src=x onerror=alert(1)&gt;"));
  EXPECT_TRUE(text::is_valid_utf8(html.data(), html.data() + html.size()));
  EXPECT_TRUE(std::none_of(html.begin(), html.end(), [](char c) { return c >= 0 && c < 0x20 && c != '\n'; }));
}

TEST_F(HtmlReport, ARunThatGoesOnLacksFiles) {
  write("run/suite.toml", suite("1e-4"));
  const auto first = html_report({open("run")}, {});
  EXPECT_THAT(first, HasSubstr("going on"));
  EXPECT_THAT(first, HasSubstr("no score yet"));
  EXPECT_THAT(first, Not(HasSubstr("<figure")));
  EXPECT_THAT(first, HasSubstr("berth run --resume "));
  write("run/metrics.jsonl", metrics() + R"({"kind":"train","st)");  // a line that is being written
  const auto later = html_report({open("run")}, {});
  EXPECT_THAT(later, HasSubstr("accuracy <b>0.6250</b> on dev, against 0.2500 before training"));
  EXPECT_THAT(later, HasSubstr("mood: loss in training"));
  EXPECT_THAT(later, Not(HasSubstr("no JSON")));
}

TEST_F(HtmlReport, ARunThatHasEndedWaitsForNoScore) {
  write("run/suite.toml", suite("1e-4"));
  write("run/summary.json", R"({"suite": "letters", "ending": "completed", "steps": 3, "tasks": {
      "mood": {"plugin": "classification", "primary": "accuracy", "sets": {"test": {"accuracy": 0.75}}}}})");
  const auto html = html_report({open("run")}, {});
  EXPECT_THAT(html, HasSubstr("no score on dev"));
  EXPECT_THAT(html, Not(HasSubstr("no score yet")));
  EXPECT_THAT(html, Not(HasSubstr("Training goes on")));
}

TEST_F(HtmlReport, AnswersThatNobodyJudgedAreNotCalledRight) {
  whole("run");
  EXPECT_THAT(html_report({open("run")}, {}), HasSubstr("60 of 4 examples are wrong"));
  write("run/predictions/mood.dev.shown.json", R"({"examples": 4, "worst": []})");
  EXPECT_THAT(html_report({open("run")}, {}), Not(HasSubstr("examples are wrong")));
}

TEST_F(HtmlReport, WhatCanNotBeReadIsTold) {
  whole("run");
  write("run/summary.json", R"({"ending": )");
  write("run/metrics.jsonl", "nonsense\n" + metrics());
  write("run/predictions/names.dev.shown.json", "{\"worst\": \"\xFF\"}");
  const auto html = html_report({open("run")}, {});
  EXPECT_THAT(html, HasSubstr("summary.json"));
  EXPECT_THAT(html, HasSubstr("1 lines are no JSON"));
  EXPECT_THAT(html, HasSubstr("names.dev.shown.json"));
  EXPECT_THAT(html, HasSubstr("mood: loss in training"));
  write("run/suite.toml", "= broken");
  write("run/metrics.jsonl", "[]\n7\n{\"kind\": 5}\n{\"kind\": \"plan\", \"parameters\": 3}\n");
  write("run/analysis.json", R"({"weights": {"a": 1}, "tasks": [1, 2]})");
  write("run/predictions/mood.dev.shown.json", R"({"confusion": {"labels": [1], "counts": [3]}, "worst": {"a": 1}})");
  EXPECT_THAT(html_report({open("run")}, {}), HasSubstr("= broken"));
}

TEST_F(HtmlReport, SeveralRunsStandSideBySide) {
  whole("first");
  whole("second", "3e-4", 0.875);
  const auto html = html_report({open("first"), open("second")}, {});
  EXPECT_THAT(html, HasSubstr("2 runs side by side"));
  EXPECT_THAT(html, HasSubstr("<td>0.7500</td><td class=\"main\">0.8750</td>"));
  EXPECT_THAT(html, HasSubstr("<code>optimizer.rate</code>"));
  EXPECT_THAT(html, Not(HasSubstr("<code>tasks.mood.plugin</code>")));
  EXPECT_THAT(html, HasSubstr("<title>second, step 20: 0.625</title>"));
  EXPECT_THAT(html_report({open("first"), open("first")}, {}), HasSubstr("The suites are the same."));
}

TEST_F(HtmlReport, OneRunIsHeldAgainstEarlierOnes) {
  whole("first");
  whole("second", "3e-4", 0.875);
  ReportOptions options;
  options.against = {open("first")};
  const auto html = html_report({open("second")}, options);
  EXPECT_THAT(html, HasSubstr("<td>0.7500 <small>(-0.1250)</small></td>"));
  EXPECT_THAT(html, HasSubstr("<title>first, mood: 0.75</title>"));
}

TEST_F(HtmlReport, LongRunsStaySmall) {
  std::string toml = "name = \"long\"\n";
  std::string lines = R"({"kind":"plan","parameters":[)";
  for (int i = 0; i < 1000; ++i) {
    lines += fmt::format(R"({}{{"name":"parameter.{}","group":"layers.{}","status":"trained","rate":1,"numbers":5}})",
                         i == 0 ? "" : ",", i, i % 12);
  }
  lines += "]}\n";
  for (int task = 0; task < 4; ++task) {
    toml += fmt::format("[tasks.t{}]\nplugin = \"p\"\n", task);
    std::string worst;
    for (int i = 0; i < 50; ++i) {
      worst += fmt::format(R"({}{{"texts":[{{"title":"text","text":"{}","marks":[]}}],"error":1}})", i == 0 ? "" : ",",
                           std::string(4000, 'x'));
    }
    write(fmt::format("run/predictions/t{}.dev.shown.json", task), R"({"worst":[)" + worst + "]}");
    for (int step = 0; step < 5000; ++step) {
      lines += fmt::format(
          R"({{"kind":"train","step":{},"task":"t{}","loss":{},"steps":1,"rate":0.1,"gradient_norm":2,"training_seconds":{}}})"
          "\n",
          step, task, 1.0 / (step + 1), step);
    }
  }
  write("run/suite.toml", toml);
  write("run/metrics.jsonl", lines);
  const auto html = html_report({open("run")}, {});
  EXPECT_LT(html.size(), 2'000'000U);
  EXPECT_THAT(html, HasSubstr("and 600 more"));
  EXPECT_THAT(html, HasSubstr("and 30 more"));
  EXPECT_THAT(html, HasSubstr("each point is the mean of 17 lines"));
}

TEST_F(HtmlReport, TheScoresForPrograms) {
  whole("run");
  const auto json = runs_json({open("run")});
  const auto& mood = json["runs"][0]["tasks"][0];
  EXPECT_EQ(mood["task"], "mood");
  EXPECT_EQ(mood["sets"]["dev"]["accuracy"], 0.75);
  EXPECT_TRUE(mood["sets"]["dev"]["f1"].is_null());
  EXPECT_EQ(mood["majority"], 0.5);
  EXPECT_TRUE(mood["failure"].is_null());
  EXPECT_EQ(json["runs"][0]["tasks"][1]["failure"], "nothing is right");
}

TEST_F(HtmlReport, AFileThatCanNotBeWrittenIsAnError) {
  whole("run");
  EXPECT_THROW(write_html_report({open("run")}, {}, root_ / "nowhere/report.html"), Error);
  write_html_report({open("run")}, {}, root_ / "report.html");
  EXPECT_TRUE(fs::exists(root_ / "report.html"));
}

}  // namespace
}  // namespace berth::report
