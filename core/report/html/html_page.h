// A whole page: head, style, navigation, sections, script. It asks nothing of any network, and its policy
// (Content-Security-Policy) lets the browser run and load nothing but what it holds. Used by html_report.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::report::html {

struct Section {
  std::string id;
  std::string title;
  std::string html;  // "": the section is left out
};

enum class Refresh : std::uint8_t {
  kNever,
  kOften,  // the page asks its own address for news every few seconds, as long as the answer says so too
};

struct Page {
  std::string title;
  std::string header_html;
  std::vector<Section> sections;
  Refresh refresh = Refresh::kNever;
};

std::string page_html(const Page& page);

// "'sha256-...'", as a policy names a style or a script that stands in the page.
std::string policy_hash(std::string_view text);

}  // namespace berth::report::html
