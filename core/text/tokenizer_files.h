// The two ways in which a model folder describes its tokenizer. Used by load_tokenizer.
#pragma once

#include <filesystem>
#include <string>

#include "core/text/bert_tokenizer.h"

namespace berth::text {

constexpr const char* kTokenizerFile = "tokenizer.json";
constexpr const char* kVocabularyFile = "vocab.txt";
constexpr const char* kConfigFile = "tokenizer_config.json";
constexpr const char* kSpecialsFile = "special_tokens_map.json";
constexpr const char* kOldAddedTokensFile = "added_tokens.json";

BertTokenizerParts read_tokenizer_json(const std::filesystem::path& folder);
BertTokenizerParts read_vocabulary_and_config(const std::filesystem::path& folder);

// Gives added tokens that the vocabulary lacks the ids that the Rust library gives them, and checks ids that the file
// states (those >= 0) against these.
void assign_added_ids(BertTokenizerParts& parts);

// The special token that tokenizer_config.json, or else special_tokens_map.json, names under `key` ("pad_token"), or
// else `otherwise`.
std::string special_token(const std::filesystem::path& folder, const std::string& key, const std::string& otherwise);

}  // namespace berth::text
