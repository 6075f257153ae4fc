#include "core/report/model_card.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <string_view>

#include "berth/error.h"
#include "core/model/json_text.h"
#include "core/report/run_json.h"

namespace berth::report {
namespace fs = std::filesystem;
namespace {

// How a class of transformers is used. In the Python, FOLDER and LENGTH are filled in.
struct Use {
  std::string_view architecture;
  std::string_view pipeline;  // the hub's name of what it does
  std::string_view python;
};

constexpr std::string_view kClassify = R"(from transformers import pipeline

classify = pipeline("text-classification", model="FOLDER", top_k=None)


def predict(text, second=None):
    """Labels with their scores, the best first. second: the other text, where the model reads pairs."""
    inputs = text if second is None else [{"text": text, "text_pair": second}]
    return classify(inputs, truncation=True, max_length=LENGTH)[0]
)";

constexpr std::string_view kTag = R"(from transformers import pipeline

# "first": a word's first token speaks for it, as in training.
tag = pipeline("token-classification", model="FOLDER", aggregation_strategy="first")


def predict(text):
    """Entities: entity_group, start and end in characters, word, score."""
    return tag(text)
)";

constexpr std::string_view kAnswer = R"(import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("FOLDER")
model = AutoModelForQuestionAnswering.from_pretrained("FOLDER").eval()


def predict(question, context):
    """The stretch of the context that answers; "" where none does. What does not fit into LENGTH tokens is cut."""
    longest = getattr(model.config, "max_answer_length", 30)
    inputs = tokenizer(question, context, truncation="only_second", max_length=LENGTH, return_offsets_mapping=True,
                       return_tensors="pt")
    spans = inputs.pop("offset_mapping")[0].tolist()
    tokens = [i for i, sequence in enumerate(inputs.sequence_ids(0)) if sequence == 1]
    with torch.no_grad():
        output = model(**inputs)
    starts, ends = output.start_logits[0].tolist(), output.end_logits[0].tolist()
    score, first, last = max((starts[i] + ends[j], i, j) for i in tokens for j in tokens if i <= j < i + longest)
    threshold = getattr(model.config, "no_answer_threshold", None)
    if threshold is not None and starts[0] + ends[0] - score > threshold:
        return ""
    return context[spans[first][0]:spans[last][1]]
)";

constexpr std::string_view kEncode = R"(import torch
from transformers import AutoModel, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("FOLDER")
model = AutoModel.from_pretrained("FOLDER").eval()


def encode(text):
    """Hidden states, [tokens, width]."""
    inputs = tokenizer(text, truncation=True, max_length=LENGTH, return_tensors="pt")
    with torch.no_grad():
        return model(**inputs).last_hidden_state[0]
)";

constexpr std::array<Use, 4> kUses{{
    {"BertForSequenceClassification", "text-classification", kClassify},
    {"BertForTokenClassification", "token-classification", kTag},
    {"BertForQuestionAnswering", "question-answering", kAnswer},
    {"BertModel", "feature-extraction", kEncode},
}};

const Use& use_of(const Json& config) {
  const auto architectures = config.value("architectures", std::vector<std::string>());
  const auto architecture = architectures.empty() ? "" : architectures.front();
  const auto* found =
      std::find_if(kUses.begin(), kUses.end(), [&](const Use& use) { return use.architecture == architecture; });
  return found == kUses.end() ? kUses.back() : *found;
}

bool is_encoder_alone(const Use& use) { return use.architecture == "BertModel"; }

std::string filled(std::string_view text, std::string_view gap, const std::string& with) {
  std::string result(text);
  for (auto at = result.find(gap); at != std::string::npos; at = result.find(gap, at + with.size())) {
    result.replace(at, gap.size(), with);
  }
  return result;
}

// A JSON string is a YAML string.
std::string quoted(const std::string& text) { return model::one_line(text); }

// Where the base model can be found, if config.json says it: "owner/name" or an old model's "name".
std::string base_model(const Json& config) {
  static const std::regex kHubName("[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?");
  const auto found = config.find("_name_or_path");
  if (found == config.end() || !found->is_string()) return "";
  const auto name = found->get<std::string>();
  return std::regex_match(name, kHubName) ? name : "";
}

// The file that a set was read from; of a split dev set, the training file.
std::string file_of(const suite::TaskConfig& task, const std::string& set) {
  const auto own =
      std::find_if(task.sets.begin(), task.sets.end(), [&](const suite::DataSetConfig& s) { return s.name == set; });
  if (own != task.sets.end()) return own->path.filename().string();
  if (set == "dev" && task.dev) return task.dev->path.filename().string();
  return task.train ? task.train->path.filename().string() : "";
}

std::string results(const ModelCard& card, const Use& use) {
  if (card.scores.empty()) return "";
  auto text = fmt::format("model-index:\n- name: {}\n  results:\n", quoted(card.name));
  for (const auto& [set, scores] : card.scores) {
    text += fmt::format("  - task:\n      type: {}\n    dataset:\n      type: {}\n      name: {}\n    metrics:\n",
                        use.pipeline, quoted(file_of(card.task, set)), quoted(set));
    for (const auto& [score, value] : scores) {
      text += fmt::format("    - type: {}\n      value: {:#}\n", quoted(score), value);  // 1e-05 is no number in YAML
    }
  }
  return text;
}

std::string front_matter(const ModelCard& card, const Use& use, const std::string& base) {
  std::string text = "---\nlibrary_name: transformers\n";
  text += fmt::format("pipeline_tag: {}\n", use.pipeline);
  if (!base.empty()) text += fmt::format("base_model: {}\n", quoted(base));
  text += fmt::format("tags:\n- berth\n- bert\n- {}\n", quoted(card.task.plugin));
  // Of an encoder alone they would be those of another model.
  if (!is_encoder_alone(use)) text += results(card, use);
  return text + "---\n";
}

std::string score_table(const ModelCard& card) {
  std::string text;
  for (const auto& [set, scores] : card.scores) {
    text += fmt::format("\n| score on `{}` ({}) | |\n|---|---|\n", set, file_of(card.task, set));
    for (const auto& [score, value] : scores)
      text += fmt::format("| {} | {:.4f} |\n", filled(score, "|", "\\|"), value);
  }
  if (text.empty()) return "\nThe run has no scores of this checkpoint.\n";
  return text;
}

// What the reader has to know to get what `berth predict` answers.
std::string notes(const Use& use, const Json& config) {
  std::string text;
  if (config.contains("calibration_temperature")) {
    text +=
        "\nProbabilities that fit how often the model is right are those of the logits divided by "
        "`model.config.calibration_temperature`, as `berth predict` has them.\n";
  }
  if (config.value("problem_type", "") == "multi_label_classification") {
    text += "\nA text may have several labels, or none: each label's score stands for itself.\n";
  }
  const auto labels = config.value("id2label", Json::object());
  const bool has_ends = std::any_of(labels.begin(), labels.end(), [](const Json& label) {
    return label.is_string() && label.get<std::string>().starts_with("E-");
  });
  if (has_ends && use.pipeline == "token-classification") {
    text +=
        "\nThe tags are IOBES (`B-`, `I-`, `E-`, `S-`), which the pipeline's grouping does not know: take the tags "
        "with `aggregation_strategy=\"none\"` and group them yourself.\n";
  }
  return text;
}

suite::Suite without_folders(suite::Suite suite) {
  const auto strip = [](fs::path& path) { path = path.filename(); };
  strip(suite.model.path);
  for (auto& task : suite.tasks) {
    if (task.train) strip(task.train->path);
    if (task.dev) strip(task.dev->path);
    for (auto& set : task.sets) strip(set.path);
    strip(task.debias.teacher);
  }
  return suite;
}

std::string introduction(const ModelCard& card, const Use& use, const std::string& base) {
  const auto model = base.empty() ? card.suite.model.path.filename().string() : base;
  if (is_encoder_alone(use)) {
    return fmt::format(
        "**This is an encoder without its head.** transformers has no model class for the head of the task `{}` "
        "(plugin `{}`), which makes the answers: it is not in this folder. To get answers, use `berth predict` with "
        "the "
        "run that this was exported from. What is here is the BERT that was fine-tuned with the task, for hidden "
        "states, "
        "or to train something else on.\n\nThe encoder: `{}`, fine-tuned with "
        "berth {}, step {} of the suite `{}`.\n",
        card.task.name, card.task.plugin, model, version(), card.step, card.suite.name);
  }
  return fmt::format("`{}`, fine-tuned with berth {} for the task `{}` (plugin `{}`): step {} of the suite `{}`.\n",
                     model, version(), card.task.name, card.task.plugin, card.step, card.suite.name);
}

CardScores add_line(CardScores scores, const Json& line) {
  auto& of_set = scores[line.at("set").get<std::string>()];
  of_set.clear();  // a set that was scored again
  for (const auto& [score, value] : line.at("scores").items()) {
    if (value.is_number()) of_set.emplace_back(score, value.get<double>());
  }
  return scores;
}

}  // namespace

CardScores scores_at(const fs::path& metrics, const std::string& task, std::int64_t step) {
  if (!fs::exists(metrics)) return {};
  std::ifstream in(metrics, std::ios::binary);
  if (!in) throw Error(ErrorKind::kIo, {metrics.string()}, "can't be read");
  CardScores finals;
  CardScores evaluated;
  for (std::string text; std::getline(in, text);) {
    try {
      const auto line = model::parse_ordered_json(text, metrics.string());
      const auto kind = line.at("kind").get<std::string>();
      if (kind != "final" && kind != "evaluation") continue;
      if (line.at("task") != task || line.at("step") != step) continue;
      auto& scores = kind == "final" ? finals : evaluated;
      scores = add_line(std::move(scores), line);
    } catch (const Error&) {  // of a run that was killed, the last line may be cut off
    } catch (const Json::exception&) {
    }
  }
  return finals.empty() ? evaluated : finals;
}

std::string model_card(const ModelCard& card) {
  const auto config = model::parse_ordered_json(card.config_json, "config.json");
  const auto& use = use_of(config);
  const auto base = base_model(config);
  const auto length = std::to_string(card.suite.model.max_length);
  const auto python = filled(filled(use.python, "LENGTH", length), "\"FOLDER\"", quoted(card.name));
  auto text = front_matter(card, use, base);
  text += fmt::format("# {}\n{}", card.name, introduction(card, use, base));
  text +=
      "\n## Intended use\n*To be written by who hands this model on: what it is for and what not, where its training "
      "data comes from, under which licence (`license:` above) it may be used.*\n";
  text += fmt::format("\n## How to use\n```python\n{}```\n", python);
  text += fmt::format("It was trained on at most {} tokens at once.\n{}", length, notes(use, config));
  text += "\n## Scores\n";
  if (is_encoder_alone(use)) text += "Of the whole model, with the head that is not here:\n";
  text += score_table(card);
  text += fmt::format(
      "\n## Training\nThe suite, as `berth run` takes it (the folders of its files left out):\n```toml\n{}```\n",
      suite::to_toml(without_folders(card.suite)));
  return text;
}

}  // namespace berth::report
