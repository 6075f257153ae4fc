// What the Rust tokenizers library made of the hostile list, stored by tests/support/make_tokenizer_goldens.py.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "core/text/load_tokenizer.h"
#include "tests/support/tokenizer_requests.h"

namespace berth::text {
namespace {

const std::string kData = BERTH_TEST_DATA;

void expect_goldens(const Tokenizer& tokenizer, const std::string& folder) {
  std::ifstream in(kData + "/" + folder + "/goldens.jsonl");
  std::size_t count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    const nlohmann::json golden = nlohmann::json::parse(line);
    ASSERT_EQ(test::answer(tokenizer, golden.at("request")), golden.at("answer")) << golden.at("request");
  }
  EXPECT_GT(count, 250u);
}

TEST(Goldens, UncasedFromTokenizerJson) { expect_goldens(*load_tokenizer(kData + "/uncased"), "uncased"); }

TEST(Goldens, CasedFromVocabulary) { expect_goldens(*load_tokenizer(kData + "/cased"), "cased"); }

TEST(Goldens, HoldInSeveralThreadsAtOnce) {
  const auto tokenizer = load_tokenizer(kData + "/uncased");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { expect_goldens(*tokenizer, "uncased"); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace berth::text
