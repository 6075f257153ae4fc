// Makes the tokenizer that belongs to a model folder. Called when a model is loaded.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "berth/tokenizer.h"

namespace berth::text {

// From tokenizer.json where there is one, else vocab.txt (with tokenizer_config.json's do_lower_case, strip_accents,
// tokenize_chinese_chars and special tokens). Throws Error kContent for what it can't read exactly as written (another
// model than WordPiece, another normalizer...), kIo where neither file exists.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& model_folder);

// Those of a model folder that its tokenizer is made of.
std::vector<std::filesystem::path> tokenizer_files(const std::filesystem::path& model_folder);

// Copies the tokenizer's files (vocab.txt, tokenizer.json, tokenizer_config.json, special_tokens_map.json: those that
// exist) so that `to` is a whole model folder.
void copy_tokenizer_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace berth::text
