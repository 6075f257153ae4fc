// The suite that `berth init` writes: one task, few keys, and a comment for each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace berth::suite {

struct NewKey {
  std::string key;
  std::string value;    // as TOML writes it
  std::string comment;  // one line
};

// What the training's numbers are chosen by.
struct DataFacts {
  std::int64_t examples = 0;                 // of the training file
  std::optional<std::int64_t> usual_length;  // tokens that 95% of the sequences don't exceed; nothing without a model
  std::int64_t max_positions = 512;          // of the encoder
  std::int64_t hidden_size = 768;            // of the encoder
  bool has_large_head = false;               // one that starts from nothing, such as a decoder
};

struct NewSuite {
  std::string made_of;  // the command that makes it, for the first line
  std::string task;     // its name
  std::string plugin;
  std::filesystem::path model;  // empty: none was found
  std::filesystem::path train;
  std::filesystem::path dev;   // empty: a part of train
  std::filesystem::path test;  // empty: none
  std::vector<NewKey> data;
  std::vector<NewKey> options;
  DataFacts facts;
};

// file: where it is going to be; its paths count from there. All paths are absolute.
std::string new_suite_text(const NewSuite& suite, const std::filesystem::path& file);

// "my-reviews" of "My reviews (2).csv"; of train.csv and its kin, the folder's name. file: absolute.
std::string task_name_of(const std::filesystem::path& file);

}  // namespace berth::suite
