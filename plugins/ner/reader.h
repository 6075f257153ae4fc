// Reads tagging sets: CoNLL columns, and JSON lines with marked stretches of a text or with words and their tags.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "berth/dataset.h"
#include "example.h"

namespace berth::ner {

// The options of `[tasks.NAME.data]`.
struct DataOptions {
  std::string format = "auto";
  std::string scheme = "any";
  std::map<std::string, std::string> label_map;  // this set's entity types -> the task's; "O": no entity
  std::vector<std::string> types;                // the task's types that are kept; empty: all

  // CoNLL columns, counted from 1, or from the end with -1.
  std::int64_t word = 1;
  std::int64_t tag = -1;
  std::string comment;

  // Fields of JSON lines.
  std::string text = "text";
  std::string entities = "entities";
  std::string tokens = "tokens";
  std::string tags = "tags";
  std::string document = "document";
  std::string split = "punctuation";
  bool widen = false;

  void describe(Options& options);
};

class NerReader final : public DatasetReader {
 public:
  // context_words: how many of the neighbouring sentences' words an example brings on each side.
  explicit NerReader(std::size_t context_words) : context_words_(context_words) {}

  void describe(Options& options) override { options_.describe(options); }
  std::unique_ptr<ExampleStream> open(const std::string& path) const override;
  std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const override;

 private:
  std::size_t context_words_;
  DataOptions options_;
};

}  // namespace berth::ner
