#include "sample_split.h"

#include <map>
#include <string_view>
#include <utility>

namespace berth::kit {
namespace {

// Reads rows as open_rows() does, and goes on where that throws.
class Splitter {
 public:
  Splitter(const DataSample& sample, char separator, bool is_quoted)
      : text_(sample.text), is_whole_(sample.is_whole), separator_(separator), is_quoted_(is_quoted) {}

  SplitRows split() {
    for (const char c : text_) {
      take(c);
      if (rows_.size() >= kMaxSampleRows) return std::move(rows_);
    }
    const bool is_cut = is_open_ && !is_whole_;
    is_broken_ = is_broken_ || (is_open_ && is_whole_);
    if (!is_cut && (!row_.empty() || !field_.empty())) end_row();
    return std::move(rows_);
  }

  std::size_t quoted_fields() const { return quoted_fields_; }
  // Whether a quote is never closed, or text follows a closing one.
  bool is_broken() const { return is_broken_; }

 private:
  void take(char c) {
    if (is_open_) {
      if (c != '"') {
        field_ += c;
      } else {
        is_open_ = false;
        was_quoted_ = true;
      }
    } else if (c == '"' && is_quoted_ && field_.empty() && !was_quoted_) {
      is_open_ = true;
      ++quoted_fields_;
    } else if (c == '"' && was_quoted_) {
      field_ += c;
      is_open_ = true;
    } else if (c == '\n') {
      end_row();
    } else if (c == separator_) {
      end_field();
    } else {
      is_broken_ = is_broken_ || (was_quoted_ && c != '\r');
      field_ += c;
    }
  }

  void end_field() {
    row_.push_back(std::move(field_));
    field_.clear();
    was_quoted_ = false;
  }

  void end_row() {
    if (!field_.empty() && field_.back() == '\r') field_.pop_back();
    end_field();
    const bool is_blank = row_.size() == 1 && row_.front().empty();
    if (!is_blank) rows_.push_back(std::move(row_));
    row_.clear();
  }

  std::string_view text_;
  bool is_whole_;
  char separator_;
  bool is_quoted_;
  bool is_open_ = false;     // within quotes
  bool was_quoted_ = false;  // the field had quotes, and they are closed
  bool is_broken_ = false;
  std::size_t quoted_fields_ = 0;
  std::string field_;
  std::vector<std::string> row_;
  SplitRows rows_;
};

}  // namespace

Reading read_with(const DataSample& sample, char separator, const std::string& format) {
  Reading reading;
  reading.format = format;
  Splitter quoted(sample, separator, /*is_quoted=*/true);
  reading.rows = quoted.split();
  reading.is_quoted = quoted.quoted_fields() > 0;
  if (separator == '\t' && (quoted.is_broken() || !reading.is_quoted)) {
    reading.rows = Splitter(sample, separator, /*is_quoted=*/false).split();
    reading.is_quoted = false;
  }
  std::map<std::size_t, std::size_t> widths;
  for (const auto& row : reading.rows) ++widths[row.size()];
  std::size_t most = 0;
  for (const auto& [width, count] : widths) {
    if (count < most) continue;
    most = count;
    reading.width = width;
  }
  if (!reading.rows.empty()) {
    reading.agreement = static_cast<double>(most) / static_cast<double>(reading.rows.size());
  }
  return reading;
}

}  // namespace berth::kit
