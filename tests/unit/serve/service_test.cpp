#include "core/serve/service.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "core/serve/request_body.h"
#include "core/serve/try_page.h"

namespace berth::serve {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::ordered_json;

// Task 0 reads rows with "text", task 1 those with "question"; a text "break" breaks the model.
std::vector<Answer> answer(const std::vector<Question>& questions) {
  std::vector<Answer> answers;
  for (const auto& question : questions) {
    const auto row = Json::parse(question.row);
    const auto* const field = question.task == 0 ? "text" : "question";
    Answer one;
    if (!row.contains(field)) {
      one.failure = Failure{Failure::Cause::kInput, std::string("no ") + field};
    } else if (row[field] == "break") {
      one.failure = Failure{Failure::Cause::kModel, "broken"};
    } else {
      auto json = row;
      json["task"] = question.task == 0 ? "mood" : "faq";
      one.json = json.dump();
      if (question.form == Form::kShown) {
        one.shown = Json{
            {"texts", {{{"title", field}, {"text", row[field]}, {"marks", Json::array()}}}},
            {"answer", "<good>"},
            {"truth", ""},
            {"error",
             0}}.dump();
      }
    }
    answers.push_back(std::move(one));
  }
  return answers;
}

class ServiceTest : public ::testing::Test {
 protected:
  static ServiceOptions options() {
    ServiceOptions options;
    options.tasks = {{"mood", "classification", {"text"}, {{"text", "a <b> & \"c\""}}},
                     {"faq", "qa", {}, Json::object()}};
    options.checkpoint = "step-5";
    return options;
  }

  Reply ask(const Request& request) {
    auto promise = std::make_shared<std::promise<Reply>>();
    service_.handle(request, [promise](Reply reply) { promise->set_value(std::move(reply)); });
    return promise->get_future().get();
  }

  Reply get(const std::string& path) { return ask({"GET", path, "", ""}); }
  Reply post(const std::string& path, const std::string& body) { return ask({"POST", path, "application/json", body}); }

  static std::string code_of(const Reply& reply) { return Json::parse(reply.body)["error"]["code"]; }

  Counters counters_;
  Batcher batcher_{{std::chrono::microseconds(0), 64, 4}, answer};
  Service service_{options(), batcher_, counters_};
};

TEST_F(ServiceTest, AnswersOneRowAndLists) {
  const auto one = post("/v1/tasks/mood", R"({"text": "ä", "id": 7})");
  EXPECT_EQ(one.status, 200);
  EXPECT_EQ(one.body, "{\"text\":\"ä\",\"id\":7,\"task\":\"mood\"}\n");
  const auto list = Json::parse(post("/v1/tasks/mood", R"([{"text": "a"}, {"txt": "b"}, {"text": "c"}])").body);
  ASSERT_EQ(list.size(), 3);
  EXPECT_EQ(list[0]["text"], "a");
  EXPECT_EQ(list[1]["error"]["code"], "bad_input");
  EXPECT_EQ(list[1]["error"]["where"]["row"], 2);
  EXPECT_EQ(list[2]["text"], "c");
  EXPECT_EQ(post("/v1/tasks/mood", "[]").body, "[]\n");
}

TEST_F(ServiceTest, TellsWhoseFaultItWas) {
  EXPECT_EQ(post("/v1/tasks/mood", R"({"txt": ""})").status, 400);
  const auto broken = post("/v1/tasks/mood", R"({"text": "break"})");
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(code_of(broken), "model");
  const auto unknown = post("/v1/tasks/mod", "{}");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, AllOf(HasSubstr("unknown_task"), HasSubstr("did you mean 'mood'?")));
}

TEST_F(ServiceTest, AsksSeveralTasksAtOnce) {
  const auto named =
      Json::parse(post("/v1/predict", R"({"input": {"text": "a"}, "tasks": ["mood", "faq", "no"]})").body);
  EXPECT_EQ(named["answers"]["mood"]["task"], "mood");
  EXPECT_EQ(named["answers"]["faq"]["error"]["code"], "bad_input");
  EXPECT_EQ(named["answers"]["no"]["error"]["code"], "unknown_task");
  const auto all = Json::parse(post("/v1/predict", R"({"input": {"text": "a"}})").body);
  EXPECT_EQ(all["answers"].size(), 1) << "those that can read it";
  EXPECT_EQ(all["answers"]["mood"]["text"], "a");
  const auto none = post("/v1/predict", R"({"input": {"x": "a"}})");
  EXPECT_EQ(none.status, 400);
  EXPECT_THAT(none.body, AllOf(HasSubstr("no text"), HasSubstr("no question")));
}

TEST_F(ServiceTest, ShowsAnswersAsHtml) {
  const auto shown = Json::parse(post("/v1/show/mood", R"({"text": "<i>"})").body);
  EXPECT_EQ(shown["answer"]["task"], "mood");
  EXPECT_EQ(shown["shown"]["answer"], "<good>");
  EXPECT_THAT(shown["html"].get<std::string>(),
              AllOf(HasSubstr("&lt;good&gt;"), HasSubstr("&lt;i&gt;"), Not(HasSubstr("<i>"))));
  EXPECT_EQ(post("/v1/show/mood", "[]").status, 400);
}

TEST_F(ServiceTest, RefusesBodiesThatItCanNotRead) {
  const std::string deep(100, '[');
  std::string wide = "{\"k\":0";
  for (int i = 0; i < 1001; ++i) wide += ",\"k" + std::to_string(i) + "\":0";
  const std::vector<std::pair<std::string, std::string>> bodies = {{"", "bad_json"},
                                                                   {"{", "bad_json"},
                                                                   {"{\"text\": \"\xff\"}", "bad_encoding"},
                                                                   {"1e999", "bad_json"},
                                                                   {deep, "bad_json"},
                                                                   {wide + "}", "bad_json"},
                                                                   {"\"text\"", "bad_request"},
                                                                   {"[{}, 3]", "bad_request"},
                                                                   {"{\"text\": \"\\ud800\"}", "bad_json"}};
  for (const auto& [body, code] : bodies) {
    const auto reply = post("/v1/tasks/mood", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(code_of(reply), code) << body;
  }
  for (const auto* body :
       {"[]", "{}", R"({"input": 1})", R"({"input": {}, "tasks": []})", R"({"input": {}, "tasks": [1]})",
        R"({"input": {}, "tasks": "mood"})", R"({"input": {}, "task": "mood"})"}) {
    const auto reply = post("/v1/predict", body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(code_of(reply), "bad_request") << body;
  }
}

TEST_F(ServiceTest, RefusesMoreNamesThanThereCanBeTasks) {
  const auto ask_for = [this](std::size_t names) {
    Json tasks = Json::array({"mood"});
    for (std::size_t i = 1; i < names; ++i) tasks.push_back("task " + std::to_string(i));
    return post("/v1/predict", Json({{"input", {{"text", "a"}}}, {"tasks", tasks}}).dump());
  };
  EXPECT_EQ(ask_for(1000).status, 200);
  const auto refused = ask_for(1001);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, AllOf(HasSubstr("bad_request"), HasSubstr("1000 names")));
}

TEST_F(ServiceTest, KnowsItsMethodsAndTypes) {
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(get("/v1/tasks/").status, 404);
  const auto wrong = get("/v1/tasks/mood");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_THAT(wrong.headers, ElementsAre(std::pair<std::string, std::string>("Allow", "POST, OPTIONS")));
  EXPECT_EQ(ask({"DELETE", "/health", "", ""}).status, 405);
  const auto asked = ask({"OPTIONS", "/health", "", ""});
  EXPECT_EQ(asked.status, 204);
  EXPECT_THAT(asked.headers, ElementsAre(std::pair<std::string, std::string>("Allow", "GET, HEAD, OPTIONS")));
  EXPECT_EQ(ask({"OPTIONS", "*", "", ""}).status, 204);
  for (const auto* type : {"", "text/plain", "application/x-www-form-urlencoded"}) {
    EXPECT_EQ(ask({"POST", "/v1/tasks/mood", type, "{}"}).status, 415) << type;
  }
}

TEST_F(ServiceTest, TellsOfItself) {
  EXPECT_EQ(Json::parse(get("/health").body)["status"], "ok");
  EXPECT_EQ(Json::parse(get("/ready").body)["status"], "ready");
  const auto tasks = Json::parse(get("/v1/tasks").body);
  EXPECT_EQ(tasks["checkpoint"], "step-5");
  EXPECT_EQ(tasks["tasks"][0], Json({{"name", "mood"},
                                     {"plugin", "classification"},
                                     {"fields", {"text"}},
                                     {"example", {{"text", "a <b> & \"c\""}}}}));
  EXPECT_THAT(get("/metrics").body, HasSubstr("berth_queue_texts 0\n"));
}

TEST_F(ServiceTest, ServesAPageThatRunsNothingOfOthers) {
  const auto page = get("/");
  EXPECT_THAT(page.content_type, HasSubstr("text/html"));
  EXPECT_THAT(page.body, AllOf(HasSubstr("data-task=\"mood\""), HasSubstr("a &lt;b&gt; &amp; "), HasSubstr("data-json"),
                               Not(HasSubstr("<b>"))));
  ASSERT_EQ(page.headers.front().first, "Content-Security-Policy");
  EXPECT_THAT(page.headers.front().second, AllOf(HasSubstr("default-src 'none'"), Not(HasSubstr("unsafe"))));
  EXPECT_THAT(page.body, AllOf(HasSubstr("href=\"page.css\""), HasSubstr("src=\"page.js\"")));
  EXPECT_EQ(get("/page.css").body, try_style());
  EXPECT_EQ(get("/page.js").body, try_script());
}

TEST_F(ServiceTest, RefusesWhatTheQueueCanNotHold) {
  const auto many = post("/v1/tasks/mood", R"([{"text":"a"},{"text":"a"},{"text":"a"},{"text":"a"},{"text":"a"}])");
  EXPECT_EQ(many.status, 413);
  batcher_.stop();
  const auto late = post("/v1/tasks/mood", R"({"text":"a"})");
  EXPECT_EQ(late.status, 503);
  EXPECT_EQ(code_of(late), "stopping");
  EXPECT_EQ(late.headers.front().first, "Retry-After");
}

TEST(Service, RefusesAtOnceWhereTheQueueIsFull) {
  std::promise<void> entered;
  std::promise<void> opened;
  std::atomic<bool> is_first{true};
  Counters counters;
  Batcher batcher({std::chrono::microseconds(0), 1, 1}, [&](const std::vector<Question>& questions) {
    if (is_first.exchange(false)) {
      entered.set_value();
      opened.get_future().wait();
    }
    return answer(questions);
  });
  ServiceOptions options;
  options.tasks = {{"mood", "classification", {}, Json::object()}};
  Service service(options, batcher, counters);
  std::vector<std::promise<Reply>> replies(3);
  const auto ask = [&](std::size_t i) {
    service.handle({"POST", "/v1/tasks/mood", "application/json", R"({"text":"a"})"},
                   [&replies, i](Reply reply) { replies[i].set_value(std::move(reply)); });
  };
  ask(0);
  entered.get_future().wait();
  ask(1);
  ask(2);
  const auto refused = replies[2].get_future().get();
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("overloaded"));
  Reply ready;
  service.handle({"GET", "/ready", "", ""}, [&](Reply reply) { ready = std::move(reply); });
  EXPECT_EQ(ready.status, 503);
  opened.set_value();
  EXPECT_EQ(replies[0].get_future().get().status, 200);
  EXPECT_EQ(replies[1].get_future().get().status, 200);
}

TEST(Service, RoutesAreFewWhateverIsAsked) {
  EXPECT_EQ(Service::route_of("/v1/tasks/mood"), "/v1/tasks/NAME");
  EXPECT_EQ(Service::route_of("/v1/tasks"), "/v1/tasks");
  EXPECT_EQ(Service::route_of("/v1/tasksx"), "other");
  EXPECT_EQ(Service::route_of("/made/up"), "other");
  EXPECT_EQ(Service::route_of(""), "");
}

}  // namespace
}  // namespace berth::serve
