// Reads cases as JSON lines from standard input and writes a line of scores for each; compare.py holds them against
// seqeval. A case is {"kind": "tags", ...}, scored by the kit's meter alone, or {"kind": "file", ...}, which goes
// through the plugin's reader, prediction and metric.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "berth/kit/entity_meter.h"
#include "berth/kit/json.h"
#include "plugins/ner/metric.h"
#include "plugins/ner/prediction.h"
#include "plugins/ner/reader.h"

namespace {

using namespace berth;

// The reader's options, by name.
class NamedOptions final : public Options {
 public:
  OptionField& add(OptionField field) override { return fields_[field.name] = std::move(field); }
  void set(const std::string& name, const std::string& value) {
    *std::get<std::string*>(fields_.at(name).target) = value;
  }

 private:
  std::map<std::string, OptionField> fields_;
};

std::vector<std::string> strings(const kit::Json& array) {
  std::vector<std::string> result;
  for (const kit::Json& item : array.as_array()) result.push_back(item.as_string());
  return result;
}

std::vector<kit::EntitySpan> entities_of(const kit::Json& names, bool strict, kit::TagScheme scheme) {
  std::vector<kit::Tag> tags;
  for (const std::string& name : strings(names)) tags.push_back(kit::parse_tag(name).value());
  return strict ? kit::read_entities_strictly(tags, scheme) : kit::read_entities(tags);
}

void set_scores(kit::Json& result, const kit::PrecisionRecall& scores, const std::string& suffix) {
  result.set("precision" + suffix, scores.precision);
  result.set("recall" + suffix, scores.recall);
  result.set("f1" + suffix, scores.f1);
}

// Several meters take the sentences by turns and are merged.
kit::Json score_tags(const kit::Json& one) {
  const bool strict = one.at("strict").as_bool();
  const kit::TagScheme scheme = kit::tag_scheme(one.at("scheme").as_string());
  std::vector<kit::EntityMeter> meters(static_cast<std::size_t>(one.at("parts").as_int()));
  const auto& truth = one.at("truth").as_array();
  const auto& prediction = one.at("prediction").as_array();
  for (std::size_t i = 0; i < truth.size(); ++i) {
    meters[i % meters.size()].add(entities_of(truth[i], strict, scheme), entities_of(prediction[i], strict, scheme));
  }
  kit::EntityMeter whole = meters.back();
  for (std::size_t i = meters.size() - 1; i-- > 0;) whole.merge(meters[i].state());
  kit::Json result;
  set_scores(result, whole.averages().micro, "");
  set_scores(result, whole.averages().macro, "_macro");
  set_scores(result, whole.averages().weighted, "_weighted");
  for (const std::string& type : strings(one.at("types"))) set_scores(result, whole.of(type), ":" + type);
  return result;
}

// Scores that make the head predict the tags.
ner::WordScores scores_for(const std::vector<std::string>& wanted, const kit::TagSet& tags) {
  const std::vector<std::string> names = tags.names();
  ner::WordScores scores;
  scores.emissions.tags = names.size();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    scores.words.push_back(i);
    for (const std::string& name : names) scores.emissions.values.push_back(name == wanted[i] ? 5 : 0);
  }
  return scores;
}

// The scores, and under "answers" what is predicted for each example.
kit::Json score_file(const kit::Json& one, const std::string& path) {
  std::ofstream(path, std::ios::binary) << one.at("content").as_string();
  const bool strict = one.at("strict").as_bool();
  ner::NerReader reader(0);
  NamedOptions options;
  reader.describe(options);
  for (const auto& [name, value] : one.at("options").as_object()) options.set(name, value.as_string());
  const auto tags = std::make_shared<const kit::TagSet>(kit::tag_scheme(one.at("scheme").as_string()),
                                                        kit::LabelSet::listed(strings(one.at("types"))));
  const auto stream = reader.open(path);
  std::vector<std::unique_ptr<Metric>> metrics;
  for (std::int64_t i = 0; i < one.at("parts").as_int(); ++i) metrics.push_back(ner::make_ner_metric(tags, "f1"));
  kit::Json::Array answers;
  while (const auto example = stream->next()) {
    const auto& own = static_cast<const ner::NerExample&>(*example);
    const kit::Json* given = one.find("prediction");
    std::vector<std::string> wanted;
    if (given != nullptr) {
      wanted = strings(given->as_array().at(answers.size()));
    } else {  // what is true
      const std::vector<std::string> names = tags->names();
      for (const std::int64_t tag : tags->write(*own.entities, own.words.size(), {})) {
        wanted.push_back(names[static_cast<std::size_t>(tag)]);
      }
    }
    const auto prediction = ner::predict(own, tags, scores_for(wanted, *tags), {}, strict);
    metrics[answers.size() % metrics.size()]->add(*example, *prediction);
    answers.push_back(kit::parse_json(prediction->json()));
  }
  for (std::size_t i = 1; i < metrics.size(); ++i) metrics[0]->merge(metrics[i]->state());
  kit::Json result;
  for (const Score& score : metrics[0]->result()) result.set(score.name, score.value);
  result.set("answers", std::move(answers));
  return result;
}

}  // namespace

int main() {
  const std::string folder = std::filesystem::temp_directory_path() / "berth_parity_ner_XXXXXX";
  std::string unique = folder;
  if (mkdtemp(unique.data()) == nullptr) return 1;
  std::string line;
  while (std::getline(std::cin, line)) {
    const kit::Json one = kit::parse_json(line);
    const bool is_file = one.at("kind").as_string() == "file";
    const std::string path = is_file ? unique + "/" + one.at("name").as_string() : "";
    std::cout << kit::dump_json(is_file ? score_file(one, path) : score_tags(one)) << "\n";
  }
  std::filesystem::remove_all(unique);
  return 0;
}
