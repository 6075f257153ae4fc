#include "core/data/file_sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "berth/error.h"
#include "core/data/input_files.h"
#include "core/data/unpack.h"
#include "core/text/utf8.h"

namespace berth::data {
namespace {

constexpr std::size_t kSampleBytes = std::size_t{4} << 20;

// What files that are no text begin with.
struct Signature {
  std::string_view bytes;
  const char* what;
};
constexpr Signature kSignatures[] = {
    {"PK\x03\x04", "a zip archive, as .xlsx, .ods and .docx files are; save the sheet as CSV in UTF-8, or unpack it"},
    {"\xD0\xCF\x11\xE0", "an old Office file (.xls, .doc); save the sheet as CSV in UTF-8"},
    {"%PDF", "a PDF; take the text out of it first"},
    {"SQLite format 3", "a database; write the table to a CSV file"},
    {"PAR1", "a Parquet file; write it to a CSV file or to JSON lines"},
    {"\xFF\xFE", "UTF-16; convert it to UTF-8:  iconv -f UTF-16 -t UTF-8 OLD > NEW"},
    {"\xFE\xFF", "UTF-16; convert it to UTF-8:  iconv -f UTF-16 -t UTF-8 OLD > NEW"},
};

std::string read_start(const std::filesystem::path& path, const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw Error(ErrorKind::kIo, {name}, "is a folder; give the data file in it");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorKind::kIo, {name}, fmt::format("can't be opened: {}; check the path", std::strerror(errno)));
  }
  std::string text(kSampleBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) throw Error(ErrorKind::kIo, {name}, "reading failed; is the disk all right?");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

void check_text(const std::string& text, const std::string& name) {
  for (const auto& [bytes, what] : kSignatures) {
    if (text.starts_with(bytes)) throw Error(ErrorKind::kContent, {name}, fmt::format("is {}", what));
  }
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw Error(ErrorKind::kContent, {name}, "is empty; expected rows of data");
  }
  for (std::size_t begin = 0, line = 1; begin < text.size(); ++line) {
    const auto end = std::min(text.find('\n', begin), text.size());
    if (!text::is_valid_utf8(text.data() + begin, text.data() + end)) {
      throw Error(ErrorKind::kContent, {name, static_cast<std::int64_t>(line), 0},
                  "the line is not UTF-8. Convert the file, from Windows' Western encoding for example:  iconv -f "
                  "WINDOWS-1252 -t UTF-8 OLD > NEW");
    }
    begin = end + 1;
  }
}

// Not within a character.
void cut_at_character(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80U) text.pop_back();
  if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0U) text.pop_back();
}

}  // namespace

DataSample read_sample(const std::filesystem::path& file) {
  const auto files = input_files(std::filesystem::absolute(file));
  const auto is_single = files.size() == 1;
  DataSample sample;
  sample.is_whole = is_single;
  sample.path = is_single ? file.string() : files.front().name;
  sample.text = read_start(files.front().path, sample.path);
  if (sample.text.size() > kSampleBytes) {
    sample.is_whole = false;
    sample.text.resize(kSampleBytes);
    if (const auto end = sample.text.rfind('\n'); end != std::string::npos) sample.text.resize(end + 1);
    cut_at_character(sample.text);
  }
  if (sample.text.starts_with("\xEF\xBB\xBF")) sample.text.erase(0, 3);
  check_text(sample.text, sample.path);
  return sample;
}

}  // namespace berth::data
