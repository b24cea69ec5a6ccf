import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import secgemini.client.ApiClient;
import secgemini.client.ApiException;
import secgemini.client.api.SessionsApi;
import secgemini.client.api.UsersApi;
import secgemini.client.model.*;

/** Does the documented job with the client that OpenAPI Generator makes of the contract. */
public final class ContractProgram {
  private interface Work {
    void run() throws ApiException;
  }

  private static final String ADDRESS = System.getenv("SEC_GEMINI_API_HTTP_URL");
  private static final String KEY = System.getenv("SEC_GEMINI_API_KEY");
  private static final MessageInput PROMPT =
      new MessageInput()
          .id("7be0a4c19d52").parentId("3713").turn("d3760be94a1c").group("c1d7a9f04be84d2cb6a3e95f20d81c77")
          .createdAt(1795347000.25).role(Role.USER).state(State.QUERY).messageType(MessageType.QUERY)
          .mimeType(MimeType.TEXT).content(System.getenv("PROMPT"));

  private final Map<String, String> steps = new LinkedHashMap<>();
  private final SessionsApi sessions = new SessionsApi(connect(ADDRESS, KEY));
  private final SessionInput session =
      new SessionInput().id(newId()).ttl(3600).canLog(true).name("java").description("The contract in Java");
  private final String id = session.getId();
  private Message stored;
  private Message message; // the answer; then what the newer service said

  public static void main(String[] arguments) throws Exception {
    ContractProgram program = new ContractProgram();
    Map<String, Object> told = new LinkedHashMap<>(Map.of("language", "java", "steps", program.steps));
    try {
      program.job();
      told.putAll(Map.of("session_id", program.id, "prompt", program.stored));
    } catch (ApiException | RuntimeException failure) {
      told.put("error", failure.toString());
    }
    System.out.println(ApiClient.createDefaultObjectMapper().writeValueAsString(told));
    System.exit(told.containsKey("error") ? 1 : 0);
  }

  private void job() throws ApiException {
    step("user_info", () -> {
      UserInfo me = new UsersApi(connect(ADDRESS, KEY)).getUserInfo();
      ModelInfo model = me.getAvailableModels().get(0);
      session.userId(me.getUser().getId()).orgId(me.getUser().getOrgId()).model(
          new ModelInfoInput()
              .modelName(model.getModelName()).version(model.getVersion()).modelString(model.getModelString()));
    });
    step("register", () -> done(sessions.registerSession(session)));
    step("attach_file", () -> {
      byte[] content = "evil[.]example[.]com answered.\n".getBytes(StandardCharsets.UTF_8);
      OpResult attached = sessions.attachFile(new Attachment().sessionId(id).filename("notes.txt").content(content));
      check(done(attached).getData().get("name").equals("notes.txt"), attached);
    });
    step("generate", () -> {
      SessionResponse turn = sessions.generate(new SessionRequest().id(id).messages(List.of(PROMPT)));
      message = turn.getMessages().stream().filter(m -> m.getMessageType() == MessageType.RESULT).findFirst().get();
      check(turn.getStatusCode() == 200 && message.getContent() != null, turn);
    });
    step("list", () -> check(sessions.listSessions().stream().anyMatch(listed -> listed.getId().equals(id)), id));
    step("update", () -> {
      done(sessions.updateSession(session.name("java, renamed")));
      check(sessions.getSession(id).getName().equals("java, renamed"), id);
    });
    step("history", () -> {
      List<Message> messages = sessions.getSession(id).getMessages();
      stored = messages.get(0);
      boolean answered = messages.stream().anyMatch(m -> m.getId().equals(message.getId()));
      check(answered && stored.getContent().equals(PROMPT.getContent()), messages);
    });
    step("feedback", () -> done(sessions.sendFeedback(
        new Feedback().sessionId(id).type(FeedbackType.USER_FEEDBACK).score(1).comment("Thank you"))));
    step("detach", () -> {
      done(sessions.detachFile(new DetachFileRequest().sessionId(id).fileIdx(0)));
      check(sessions.getSession(id).getFiles().isEmpty(), id);
    });
    step("delete", () -> {
      done(sessions.registerSession(session.id(newId())));
      done(sessions.deleteSession(session));
    });
    step("unknown_session", () -> {
      ApiException gone = failureOf(() -> sessions.getSession(session.getId()));
      check(gone.getCode() == 404 && gone.getResponseBody().contains("Session not found"), gone);
    });
    step("wrong_key", () -> {
      ApiException refused = failureOf(() -> new SessionsApi(connect(ADDRESS, "wrong")).listSessions());
      check(refused.getCode() == 401 && refused.getResponseBody().contains("detail"), refused);
    });
    step("mime_types", () -> check(MimeType.C != MimeType.CPP && MimeType.fromValue("text/c++") == MimeType.CPP, "C"));
    step("newer_service", () -> {
      List<Message> messages =
          new SessionsApi(connect(System.getenv("NEWER_SERVICE_URL"), KEY)).getSession(id).getMessages();
      message = messages.get(messages.size() - 1);
      boolean open = message.getMessageType() == MessageType.UNKNOWN_DEFAULT_OPEN_API;
      check(open && message.getRole() == Role.UNKNOWN_DEFAULT_OPEN_API && message.getStatusCode() == 520, message);
    });
    step("null", () -> check(
        message.getTitle() == null && message.getMimeType() == null && message.getUsage() == null, message));
  }

  private void step(String name, Work work) throws ApiException {
    steps.put(name, "failed");
    work.run();
    steps.put(name, "ok");
  }

  private static ApiClient connect(String address, String key) {
    ApiClient client = new ApiClient();
    client.updateBaseUri(address);
    client.setHttpClientBuilder(HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)); // no h2c upgrades
    client.setRequestInterceptor(request -> request.header("x-api-key", key));
    return client;
  }

  private static String newId() {
    return UUID.randomUUID().toString();
  }

  private static OpResult done(OpResult result) {
    check(result.getOk() && result.getStatusCode() == ResponseStatus.OK, result);
    return result;
  }

  private static ApiException failureOf(Work work) {
    try {
      work.run();
    } catch (ApiException failure) {
      return failure;
    }
    throw new IllegalStateException("this should have failed");
  }

  private static void check(boolean holds, Object what) {
    if (!holds) throw new IllegalStateException("not as it should be: " + what);
  }
}
