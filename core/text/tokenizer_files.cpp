#include "core/text/tokenizer_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "berth/error.h"
#include "core/text/bounded_json.h"
#include "core/text/unicode_properties.h"
#include "core/text/utf8.h"

namespace berth::text {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestFile = 64 << 20;
constexpr std::int64_t kLargestId = (1 << 24) - 1;

std::int32_t id_of(const JsonNode& node) {
  const std::int64_t id = node.integer();
  if (id < 0 || id > kLargestId) node.refuse(fmt::format("{} is not an id: expected 0..{}", id, kLargestId));
  return static_cast<std::int32_t>(id);
}

void expect_type(const JsonNode& node, std::initializer_list<std::string_view> known) {
  const std::string type = node.is_null() ? "null" : node.at("type").text();
  if (std::find(known.begin(), known.end(), type) == known.end()) {
    node.refuse(fmt::format("is {}, but only {} can be read: use a BERT model with a WordPiece tokenizer",
                            node.is_null() ? "null" : '"' + type + '"', fmt::join(known, " or ")));
  }
}

WordPiece::Vocabulary read_vocabulary(const JsonNode& node) {
  WordPiece::Vocabulary vocabulary;
  std::unordered_set<std::int32_t> used;
  vocabulary.reserve(node.object().size());
  for (const auto& [token, unused] : node.object().items()) {
    const std::int32_t id = id_of(node.at(token));
    if (!used.insert(id).second)
      node.refuse(fmt::format("the id {} stands twice, the second time for \"{}\"", id, token));
    vocabulary.emplace_back(token, id);
  }
  return vocabulary;
}

void read_model(const JsonNode& node, BertTokenizerParts& parts) {
  // Files of tokenizers before 0.9 have no type.
  if (node.has("type")) expect_type(node, {"WordPiece"});
  parts.unknown = node.at("unk_token").text();
  parts.prefix = node.at("continuing_subword_prefix").text();
  const JsonNode longest = node.at("max_input_chars_per_word");
  parts.longest_word = longest.integer();
  if (parts.longest_word < 0) longest.refuse("expected 0 or more");
  parts.vocabulary = read_vocabulary(node.at("vocab"));
}

NormalizerOptions read_normalizer(const JsonNode& node) {
  expect_type(node, {"BertNormalizer"});
  NormalizerOptions options;
  options.clean_text = node.at("clean_text").boolean();
  options.handle_chinese = node.at("handle_chinese_chars").boolean();
  options.lower_case = node.at("lowercase").boolean();
  options.strip_accents = node.boolean_or("strip_accents", options.lower_case);
  return options;
}

AddedToken read_added_token(const JsonNode& node) {
  AddedToken token;
  token.content = node.at("content").text();
  token.special = node.boolean_or("special", false);
  token.single_word = node.boolean_or("single_word", false);
  token.lstrip = node.boolean_or("lstrip", false);
  token.rstrip = node.boolean_or("rstrip", false);
  token.normalized = node.boolean_or("normalized", !token.special);
  return token;
}

// "[CLS]", or "A" and "B" for the texts, each with its segment: "[CLS]:0 A:0 [SEP]:0".
std::string describe_template(const JsonNode& pieces, std::vector<std::string>& specials) {
  std::string text;
  for (std::size_t i = 0; i < pieces.array().size(); ++i) {
    const bool is_special = pieces.at(i).has("SpecialToken");
    const JsonNode piece = pieces.at(i).at(is_special ? "SpecialToken" : "Sequence");
    const std::string id = piece.at("id").text();
    if (is_special) specials.push_back(id);
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", is_special ? "*" : id, piece.at("type_id").integer());
  }
  return text;
}

void read_template(const JsonNode& node, BertTokenizerParts& parts) {
  std::vector<std::string> single;
  std::vector<std::string> pair;
  const std::string single_text = describe_template(node.at("single"), single);
  const std::string pair_text = describe_template(node.at("pair"), pair);
  if (single_text != "*:0 A:0 *:0" || pair_text != "*:0 A:0 *:0 B:1 *:1" || pair[0] != single[0] ||
      pair[1] != single[1] || pair[2] != single[1]) {
    node.refuse("only BERT's template, [CLS]:0 A:0 [SEP]:0 B:1 [SEP]:1 for pairs, can be read");
  }
  const auto name_of = [&node](const std::string& special) {
    const JsonNode tokens = node.at("special_tokens").at(special).at("tokens");
    if (tokens.array().size() != 1) tokens.refuse("expected one token");
    return tokens.at(0).text();
  };
  parts.cls = name_of(single[0]);
  parts.sep = name_of(single[1]);
}

void read_post_processor(const JsonNode& node, BertTokenizerParts& parts) {
  expect_type(node, {"TemplateProcessing", "BertProcessing"});
  if (node.at("type").text() == "TemplateProcessing") return read_template(node, parts);
  parts.cls = node.at("cls").at(0).text();
  parts.sep = node.at("sep").at(0).text();
}

void read_decoder(const JsonNode& node, BertTokenizerParts& parts) {
  if (node.is_null()) return;
  expect_type(node, {"WordPiece"});
  parts.clean_up_decoded = node.boolean_or("cleanup", true);
}

void check_added_token(const AddedToken& token, const std::string& source) {
  const char* const begin = token.content.data();
  bool has_replacement = false;
  for (const char* at = begin; at != begin + token.content.size();) {
    const Decoded decoded = decode_utf8(at, begin + token.content.size());
    has_replacement = has_replacement || decoded.character == kReplacement;
    at += decoded.bytes;
  }
  if (has_replacement) {
    throw Error(
        ErrorKind::kContent, {source},
        fmt::format("the added token \"{}\" has the replacement character U+FFFD in it, so broken text would match "
                    "it: take it out",
                    token.content));
  }
}

// The line without the white space at its end, as the Rust library reads it.
std::string_view trim_end(std::string_view line) {
  while (!line.empty()) {
    const Decoded last = decode_last_utf8(line.data(), line.data() + line.size());
    if ((character_flags(last.character) & kIsSpace) == 0) break;
    line.remove_suffix(last.bytes);
  }
  return line;
}

WordPiece::Vocabulary read_vocabulary_lines(const fs::path& file) {
  const std::string text = read_bounded(file, kLargestFile);
  WordPiece::Vocabulary vocabulary;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    if (!is_valid_utf8(line.data(), line.data() + line.size())) {
      throw Error(ErrorKind::kContent, {file.string(), static_cast<std::int64_t>(vocabulary.size()) + 1},
                  "is not UTF-8: convert the vocabulary");
    }
    vocabulary.emplace_back(trim_end(line), static_cast<std::int32_t>(vocabulary.size()));
    begin = end + 1;
  }
  return vocabulary;
}

nlohmann::json read_json_if_there(const fs::path& file) {
  if (!fs::exists(file)) return nlohmann::json::object();
  return parse_bounded_json(read_bounded(file, kLargestFile), file);
}

// Special tokens are written as "[CLS]" or as {"content": "[CLS]", ...}.
AddedToken special_from(const JsonNode& node) {
  if (node.is_object()) {
    AddedToken token = read_added_token(node);
    token.special = true;
    token.normalized = node.boolean_or("normalized", false);
    return token;
  }
  AddedToken token;
  token.content = node.text();
  return token;
}

void add_once(std::vector<AddedToken>& tokens, const AddedToken& token) {
  const bool known =
      std::any_of(tokens.begin(), tokens.end(), [&](const AddedToken& t) { return t.content == token.content; });
  if (!known && !token.content.empty()) tokens.push_back(token);
}

void refuse_unsupported_config(const JsonNode& config, const fs::path& folder) {
  if (!config.boolean_or("do_basic_tokenize", true)) {
    config.at("do_basic_tokenize").refuse("is false, but only true can be read");
  }
  if (config.has("never_split") && !config.at("never_split").array().empty()) {
    config.at("never_split").refuse("is not supported: list such tokens under additional_special_tokens");
  }
  if (fs::exists(folder / kOldAddedTokensFile)) {
    throw Error(ErrorKind::kContent, {(folder / kOldAddedTokensFile).string()},
                "this old list of added tokens is not read: save the tokenizer again with transformers, which writes "
                "tokenizer.json");
  }
}

std::vector<AddedToken> read_listed_tokens(const JsonNode& config) {
  std::vector<AddedToken> tokens;
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    if (!config.has(key)) continue;
    const JsonNode list = config.at(key);
    for (std::size_t i = 0; i < list.array().size(); ++i) add_once(tokens, special_from(list.at(i)));
  }
  if (!config.has("added_tokens_decoder")) return tokens;
  const JsonNode decoder = config.at("added_tokens_decoder");
  for (const auto& [id, unused] : decoder.object().items()) {
    AddedToken token = read_added_token(decoder.at(id));
    tokens.erase(
        std::remove_if(tokens.begin(), tokens.end(), [&](const AddedToken& t) { return t.content == token.content; }),
        tokens.end());
    add_once(tokens, token);
  }
  return tokens;
}

}  // namespace

std::string special_token(const fs::path& folder, const std::string& key, const std::string& otherwise) {
  for (const char* name : {kConfigFile, kSpecialsFile}) {
    const nlohmann::json json = read_json_if_there(folder / name);
    const JsonNode node(json, folder / name);
    if (node.has(key)) return special_from(node.at(key)).content;
  }
  return otherwise;
}

void assign_added_ids(BertTokenizerParts& parts) {
  std::unordered_map<std::string_view, std::int32_t> known;
  std::unordered_set<std::int32_t> used;
  for (const auto& [piece, id] : parts.vocabulary) {
    known[piece] = id;
    used.insert(id);
  }
  const auto vocabulary_size = static_cast<std::int32_t>(known.size());
  std::int32_t largest_added = -1;
  for (AddedToken& token : parts.added_tokens) {
    check_added_token(token, parts.source);
    const auto found = known.find(token.content);
    const std::int32_t id = found != known.end() ? found->second : std::max(vocabulary_size, largest_added + 1);
    if (token.id >= 0 && token.id != id) {
      throw Error(
          ErrorKind::kContent, {parts.source},
          fmt::format("the added token \"{}\" has id {}, but its place in the vocabulary gives it {}: correct the "
                      "file",
                      token.content, token.id, id));
    }
    if (found == known.end() && !used.insert(id).second) {
      throw Error(
          ErrorKind::kContent, {parts.source},
          fmt::format("the added token \"{}\" would get id {}, which another token has: add it to the vocabulary, "
                      "and remove what stands there twice",
                      token.content, id));
    }
    token.id = id;
    largest_added = std::max(largest_added, id);
  }
}

BertTokenizerParts read_tokenizer_json(const fs::path& folder) {
  const fs::path file = folder / kTokenizerFile;
  const nlohmann::json json = parse_bounded_json(read_bounded(file, kLargestFile), file);
  const JsonNode root(json, file);
  BertTokenizerParts parts;
  parts.source = file.string();
  read_model(root.at("model"), parts);
  parts.normalizer = read_normalizer(root.at("normalizer"));
  expect_type(root.at("pre_tokenizer"), {"BertPreTokenizer"});
  read_post_processor(root.at("post_processor"), parts);
  read_decoder(root.at("decoder"), parts);
  const JsonNode added = root.at("added_tokens");
  for (std::size_t i = 0; i < added.array().size(); ++i) {
    AddedToken token = read_added_token(added.at(i));
    token.id = id_of(added.at(i).at("id"));
    add_once(parts.added_tokens, token);
  }
  assign_added_ids(parts);
  parts.pad = special_token(folder, "pad_token", parts.pad);
  parts.mask = special_token(folder, "mask_token", parts.mask);
  return parts;
}

BertTokenizerParts read_vocabulary_and_config(const fs::path& folder) {
  BertTokenizerParts parts;
  parts.source = (folder / kVocabularyFile).string();
  parts.vocabulary = read_vocabulary_lines(folder / kVocabularyFile);
  const nlohmann::json json = read_json_if_there(folder / kConfigFile);
  const JsonNode config(json, folder / kConfigFile);
  refuse_unsupported_config(config, folder);
  parts.normalizer.lower_case = config.boolean_or("do_lower_case", true);
  parts.normalizer.handle_chinese = config.boolean_or("tokenize_chinese_chars", true);
  parts.normalizer.strip_accents = config.boolean_or("strip_accents", parts.normalizer.lower_case);
  const std::vector<AddedToken> listed = read_listed_tokens(config);
  for (const auto& [key, name] : {std::pair<const char*, std::string*>{"unk_token", &parts.unknown},
                                  {"sep_token", &parts.sep},
                                  {"pad_token", &parts.pad},
                                  {"cls_token", &parts.cls},
                                  {"mask_token", &parts.mask}}) {
    *name = special_token(folder, key, *name);
    const auto is_it = [&wanted = *name](const auto& entry) { return entry.content == wanted; };
    const auto is_piece = [&wanted = *name](const auto& entry) { return entry.first == wanted; };
    if (std::any_of(listed.begin(), listed.end(), is_it)) continue;
    if (std::none_of(parts.vocabulary.begin(), parts.vocabulary.end(), is_piece)) continue;
    AddedToken token;
    token.content = *name;
    token.id = -1;
    add_once(parts.added_tokens, token);
  }
  for (AddedToken token : listed) {
    token.id = -1;
    add_once(parts.added_tokens, token);
  }
  assign_added_ids(parts);
  return parts;
}

}  // namespace berth::text
