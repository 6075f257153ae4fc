// The questions of a file in SQuAD's JSON: {"data": [{"title", "paragraphs": [{"context", "qas": [...]}]}]}.
#pragma once

#include <memory>
#include <string>

#include "answers.h"
#include "berth/dataset.h"

namespace berth::qa {

// Holds the whole file in memory (an object can't be read by lines), at most 1 GiB of it. Throws Error kIo where the
// file can't be read, kContent for what is not SQuAD's JSON, naming the article, paragraph and question.
std::unique_ptr<ExampleStream> open_squad(const std::string& path, BadAnswers bad_answers);

}  // namespace berth::qa
