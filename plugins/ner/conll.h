// CoNLL files: a word a line with its tag in another column, an empty line after each sentence, -DOCSTART- before each
// document.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "berth/dataset.h"
#include "reader.h"

namespace berth::ner {

// Columns are separated by tabs where a line has one, else by spaces. Holds one sentence in memory. Throws Error kIo
// where the file can't be read, and kContent (file, line) where a line lacks a column or has no tag in it.
std::unique_ptr<ExampleStream> open_conll(const std::string& path, const DataOptions& options);

// The tag as it is written, in a scheme that `options` allows. Throws Error kContent for anything else.
kit::Tag read_tag(std::string_view text, const DataOptions& options, const Where& where);

// Renames the types as `label_map` says, and leaves out what becomes "O" or is none of `types`.
std::vector<kit::EntitySpan> map_types(std::vector<kit::EntitySpan> entities, const DataOptions& options);

}  // namespace berth::ner
