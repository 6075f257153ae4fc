#include "core/report/html/html_page.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "berth/error.h"
#include "core/report/html/html_writer.h"
#include "core/report/html/page_files.h"

namespace berth::report::html {
namespace {

std::string head_html(const Page& page) {
  const auto connect = page.refresh == Refresh::kOften ? " connect-src 'self';" : "";
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {}; script-src {};{} "
      "img-src data:; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n"
      "<style>{}</style>\n</head>\n",
      policy_hash(page_style()), policy_hash(page_script()), connect, escaped(page.title), page_style());
}

std::string nav_html(const Page& page) {
  std::string html = "<nav aria-label=\"Sections\"><ul>\n";
  for (const auto& section : page.sections) {
    if (section.html.empty()) continue;
    html += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", escaped(section.id), escaped(section.title));
  }
  return html + "</ul></nav>\n";
}

}  // namespace

std::string policy_hash(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw Error(ErrorKind::kIo, "OpenSSL computes no SHA-256; is it the version that berth was built with?");
  }
  std::array<unsigned char, 4 * (EVP_MAX_MD_SIZE / 3 + 1) + 1> base64{};
  const int length = EVP_EncodeBlock(base64.data(), hash.data(), static_cast<int>(size));
  return fmt::format("'sha256-{}'", std::string(base64.begin(), base64.begin() + length));
}

std::string page_html(const Page& page) {
  auto html = head_html(page);
  html += page.refresh == Refresh::kOften ? "<body data-live>\n" : "<body>\n";
  html += "<a class=\"skip\" href=\"#main\">Skip to the report</a>\n<div class=\"page\">\n" + nav_html(page);
  html += fmt::format("<main id=\"main\" tabindex=\"-1\">\n<header>\n{}</header>\n", page.header_html);
  for (const auto& section : page.sections) {
    if (section.html.empty()) continue;
    const auto id = escaped(section.id);
    html += fmt::format("<section id=\"{0}\" aria-labelledby=\"{0}-h\">\n<h2 id=\"{0}-h\">{1}</h2>\n{2}</section>\n",
                        id, escaped(section.title), section.html);
  }
  return html + fmt::format("</main>\n</div>\n<script>{}</script>\n</body>\n</html>\n", page_script());
}

}  // namespace berth::report::html
