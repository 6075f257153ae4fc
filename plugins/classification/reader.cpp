#include "reader.h"

#include <utility>
#include <vector>

#include "berth/kit/text.h"

namespace berth::classification {
namespace {

// Makes examples from records. Copied into each stream, so that a stream lives by itself.
class ExampleMaker {
 public:
  ExampleMaker(Kind kind, const DataOptions& options)
      : kind_(kind), options_(options), maps_(std::make_shared<LabelMaps>(options.maps)) {}

  std::unique_ptr<ClassificationExample> make(const kit::Record& record) const {
    auto example = std::make_unique<ClassificationExample>(record);
    example->maps = maps_;
    example->text = record.text(options_.text);
    if (!options_.text_pair.empty()) example->pair = record.text(options_.text_pair);
    return example;
  }

  // As make(), for a set that is trained or evaluated on.
  std::unique_ptr<Example> make_labelled(const kit::Record& record) const {
    auto example = make(record);
    read_label(record.at(options_.label), *example);
    return example;
  }

 private:
  void read_label(const kit::Json& value, ClassificationExample& example) const {
    if (kind_ == Kind::kRegression) {
      example.number = number_of(value, example.where);
    } else if (kind_ == Kind::kMultiLabel) {
      example.labels = labels_of(value, example.where);
    } else {
      example.labels = {label_of(value, example.where)};
    }
  }

  std::string label_of(const kit::Json& value, const Where& where) const {
    const std::optional<std::string> text = kit::scalar_text(value);
    if (text && !kit::trim(*text).empty()) return std::string(kit::trim(*text));
    const std::string found = text ? "nothing" : std::string(value.type_name());
    throw Error(ErrorKind::kContent, where,
                "found " + found + " as label (column '" + options_.label +
                    "'); expected a label's name: give one, or leave the row out" +
                    (value.is_array() ? ". Several labels a text: set kind = \"multi-label\"" : ""));
  }

  std::vector<std::string> labels_of(const kit::Json& value, const Where& where) const {
    std::vector<std::string> labels;
    if (value.is_array()) {
      for (const kit::Json& label : value.as_array()) labels.push_back(label_of(label, where));
      return labels;
    }
    const std::optional<std::string> text = kit::scalar_text(value);
    if (!text) {
      throw Error(ErrorKind::kContent, where,
                  "found " + std::string(value.type_name()) + " as labels (column '" + options_.label +
                      "'); expected a list, or names with '" + options_.separator + "' between them");
    }
    for (std::string_view rest = *text; !rest.empty();) {
      const std::size_t end = rest.find(options_.separator);
      const std::string_view label = kit::trim(rest.substr(0, end));
      if (!label.empty()) labels.emplace_back(label);
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + options_.separator.size());
    }
    return labels;
  }

  double number_of(const kit::Json& value, const Where& where) const {
    const std::optional<std::string> text = value.is_bool() ? std::nullopt : kit::scalar_text(value);
    const std::optional<double> number = text ? kit::parse_number(kit::trim(*text)) : std::nullopt;
    if (number) return *number;
    throw Error(ErrorKind::kContent, where,
                "found " + (text ? kit::quote_for_message(*text) : std::string(value.type_name())) + " in column '" +
                    options_.label +
                    "'; expected a finite number with a decimal point, as kind = \"regression\" needs");
  }

  Kind kind_;
  DataOptions options_;
  std::shared_ptr<const LabelMaps> maps_;
};

}  // namespace

void ClassificationReader::describe(Options& options) {
  options_.columns.describe(options);
  options.field("text", options_.text, "the column that holds the text");
  options.field("text_pair", options_.text_pair, "the column that holds the second text; \"\": there is none");
  options.field("label", options_.label, "the column that holds the label, the labels or the number");
  options.field("separator", options_.separator, "multi-label: what stands between labels in one field");
  options.field("label_map", options_.maps.labels, "this set's labels -> the task's; several may go to one");
  options.field("prediction_map", options_.maps.predictions,
                "the task's labels -> this set's: metrics then compare in this set's labels");
}

std::unique_ptr<ExampleStream> ClassificationReader::open(const std::string& path) const {
  if (options_.separator.empty()) {
    throw Error(ErrorKind::kConfig, "`separator` is empty; expected what stands between two labels, such as \",\"");
  }
  std::vector<std::string> required = {options_.text, options_.label};
  if (!options_.text_pair.empty()) required.push_back(options_.text_pair);
  return kit::make_examples(
      kit::open_rows(path, options_.columns, required),
      [maker = ExampleMaker(kind_, options_)](const kit::Record& record) { return maker.make_labelled(record); });
}

std::unique_ptr<Example> ClassificationReader::from_json(std::string_view json, const Where& where) const {
  return ExampleMaker(kind_, options_).make(kit::parse_record(json, where));
}

}  // namespace berth::classification
