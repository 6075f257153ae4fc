#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/validation/checks.h"

namespace berth::validation {
namespace {

using Json = nlohmann::json;

// NaN is a usual mark for a target that is not there.
bool are_same_values(const FieldValues& a, const FieldValues& b) {
  const auto* x = std::get_if<std::vector<double>>(&a);
  const auto* y = std::get_if<std::vector<double>>(&b);
  if (x == nullptr || y == nullptr) return a == b;
  return std::equal(x->begin(), x->end(), y->begin(), y->end(),
                    [](double p, double q) { return p == q || (std::isnan(p) && std::isnan(q)); });
}

bool are_same_fields(const Feature& a, const Feature& b) {
  return std::equal(
      a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(),
      [](const auto& p, const auto& q) { return p.first == q.first && are_same_values(p.second, q.second); });
}

bool is_same(const Feature& a, const Feature& b) {
  return a.encoding.ids == b.encoding.ids && a.encoding.segments == b.encoding.segments &&
         a.encoding.offsets == b.encoding.offsets && a.encoding.words == b.encoding.words && are_same_fields(a, b);
}

bool is_same_input(const Feature& a, const Feature& b) {
  return a.encoding.ids == b.encoding.ids && a.encoding.segments == b.encoding.segments;
}

template <typename Equal>
bool are_same(const std::vector<Feature>& a, const std::vector<Feature>& b, Equal equal) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

Json json_of(const plugin::LoadedTask& task, const Example& example) {
  const auto text = task.json(example);
  auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    fail(fmt::format("{}the example's json() is no JSON object: {}", to_string(example.where), text));
  }
  return json;
}

// Whether an example's JSON gives the same input again. It need not: a long text may be left out of it.
bool reads_back(const plugin::LoadedTask& task, const DatasetReader& reader, const Example& example,
                const FeatureContext& context) {
  try {
    const auto again = task.from_json(reader, example.json(), example.where);
    return are_same(task.features(example, context), task.features(*again, context), is_same_input);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::kContent) return false;
    throw;
  }
}

// How an odd text is answered: by a prediction, or by an Error that blames the input. Anything else is the plugin's
// fault.
class Answerer {
 public:
  explicit Answerer(Bench& bench)
      : bench_(bench), reader_(bench.task().task.make_reader(*bench.task().task.config().train)) {}

  std::int64_t answered() const { return answered_; }
  std::int64_t refused() const { return refused_; }

  void answer(const std::string& json, const std::string& what) {
    try {
      if (try_to(json)) {
        ++answered_;
      } else {
        ++refused_;
      }
    } catch (const std::exception& e) {
      fail(fmt::format("{}: {}", what, e.what()));
    }
  }

 private:
  // False where the input was refused.
  bool try_to(const std::string& json) {
    const auto& task = bench_.task().task;
    auto data = data::empty_task_data(task, "odd input", bench_.session.feature_options());
    try {
      auto example = task.from_json(*reader_, json, {"input", 1});
      data::add_input(task, std::move(example), bench_.session.feature_options(), data);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::kContent) return false;
      throw;
    }
    predictions(bench_.session.model_of(bench_.task()), data, 1);
    return true;
  }

  Bench& bench_;
  std::unique_ptr<DatasetReader> reader_;
  std::int64_t answered_ = 0;
  std::int64_t refused_ = 0;
};

struct OddText {
  const char* what;
  std::string json;  // a JSON string, quotes included; not always UTF-8
};

std::vector<OddText> odd_texts() {
  std::string words;
  for (int i = 0; i < 5000; ++i) words += "word ";
  return {{"an empty text", R"("")"},
          {"a space", R"(" ")"},
          {"one word", R"("a")"},
          {"5,000 words", '"' + words + '"'},
          {"a word of 20,000 letters", '"' + std::string(20000, 'x') + '"'},
          {"broken UTF-8", "\"a \xff\xfe\xc3 b\""},
          {"a NUL", R"("a \u0000 b")"},
          {"a lone surrogate", R"("a \ud800 b")"},
          {"characters of four bytes", "\"\xf0\x9f\x98\x80 \xf0\x9f\x98\x80\""},
          {"combining marks alone", "\"\xcc\x81\xcc\x81\""}};
}

// The members that are texts, or lists of them: in these, odd texts are tried.
bool holds_text(const Json& value) {
  return value.is_string() || (value.is_array() && !value.empty() && value[0].is_string());
}

// The object with one member replaced by JSON text as it stands.
std::string with_member(const Json& object, const std::string& name, const std::string& json) {
  std::string text = "{";
  for (const auto& [key, value] : object.items()) {
    text += fmt::format("{}{}: {}", text.size() > 1 ? ", " : "", Json(key).dump(), key == name ? json : value.dump());
  }
  return text + "}";
}

}  // namespace

std::string check_rows(const Subject& subject) {
  auto bench = make_bench(subject);
  const auto& task = bench.task().task;
  const FeatureContext context{*bench.session.tokenizer, bench.session.suite.model.max_length};
  const auto reader = task.make_reader(*task.config().train);
  std::int64_t read_back = 0;
  for (const auto& example : bench.data.examples) {
    const auto place = to_string(example->where);
    if (example->where.file.empty() || example->where.line <= 0) {
      fail(fmt::format("an example has no place ('{}'): set Example::where to file and line", place));
    }
    json_of(task, *example);
    if (reads_back(task, *reader, *example, context)) ++read_back;
  }
  return fmt::format("{} examples, {} features; {} say all of their input in their JSON", bench.data.example_count,
                     bench.data.store.size(), read_back);
}

std::string check_threads(const Subject& subject) {
  auto bench = make_bench(subject);
  const auto& task = bench.task().task;
  const FeatureContext context{*bench.session.tokenizer, bench.session.suite.model.max_length};
  const auto all_features = [&] {
    std::vector<Feature> features;
    for (const auto& example : bench.data.examples) {
      for (auto& feature : task.features(*example, context)) features.push_back(std::move(feature));
    }
    return features;
  };
  const auto expected = all_features();
  constexpr int kThreads = 4;
  constexpr int kRounds = 50;
  std::vector<std::string> wrong(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      try {
        for (int round = 0; round < kRounds && wrong[t].empty(); ++round) {
          if (!are_same(all_features(), expected, is_same)) wrong[t] = "they differ from those of one thread";
        }
      } catch (const std::exception& e) {
        wrong[t] = e.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& text : wrong) {
    if (!text.empty()) fail("features() from several threads at once: " + text);
  }
  return fmt::format("{} threads, {} times each", kThreads, kRounds);
}

std::string check_inputs(const Subject& subject) {
  auto bench = make_bench(subject);
  const auto json = json_of(bench.task().task, *bench.data.examples.front());
  Answerer answerer(bench);
  answerer.answer(json.dump(), "an example of the training set");
  answerer.answer("{}", "an empty object");
  answerer.answer("[", "a text that is no JSON");
  bool has_text = false;
  for (const auto& [name, value] : json.items()) {
    answerer.answer(with_member(json, name, "null"), fmt::format("null for '{}'", name));
    answerer.answer(with_member(json, name, "[]"), fmt::format("an empty list for '{}'", name));
    if (!holds_text(value)) continue;
    has_text = true;
    for (const auto& odd : odd_texts()) {
      const auto text = value.is_string() ? odd.json : fmt::format("[{}]", odd.json);
      answerer.answer(with_member(json, name, text), fmt::format("{} for '{}'", odd.what, name));
    }
  }
  return fmt::format("{} answered, {} refused as bad input{}", answerer.answered(), answerer.refused(),
                     has_text ? "" : "; an example's JSON has no text, so no odd one was tried");
}

}  // namespace berth::validation
