// Does the documented job with the client that oapi-codegen makes of the contract.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"

	"contract/api"
)

//go:generate mkdir -p api
//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 --config oapi-codegen.yaml ../openapi.yaml

// summary is what the program prints: one line of JSON.
type summary struct {
	Language  string            `json:"language"`
	Steps     map[string]string `json:"steps"`
	SessionID string            `json:"session_id"`
	Prompt    api.Message       `json:"prompt"`
	Error     string            `json:"error,omitempty"`
}

var prompt = api.MessageInput{
	Id: of("7be0a4c19d52"), ParentId: of("3713"), Turn: of("d3760be94a1c"), Group: of("c1d7a9f04be84d2cb6a3e95f20d81c77"),
	CreatedAt: of(1795347000.25), Role: of(api.RoleUSER), State: of(api.StateQUERY), MessageType: api.MessageTypeQUERY,
	MimeType: of(api.MimeTypeTEXT), Content: of(os.Getenv("PROMPT")),
}

func main() {
	told := summary{Language: "go", Steps: map[string]string{}}
	defer func() {
		if failure := recover(); failure != nil {
			told.Error = fmt.Sprint(failure)
			defer os.Exit(1)
		}
		_ = json.NewEncoder(os.Stdout).Encode(told)
	}()
	told.job(context.Background())
}

func (told *summary) job(ctx context.Context) {
	address, key := os.Getenv("SEC_GEMINI_API_HTTP_URL"), os.Getenv("SEC_GEMINI_API_KEY")
	sg := connect(address, key)
	session := api.SessionInput{Id: of(rand.Text()), Ttl: 3600, CanLog: of(true), Name: "go", Description: "In Go"}
	id := *session.Id
	get := func(client *api.ClientWithResponses, id string) *api.GetSessionResponse {
		return must(client.GetSessionWithResponse(ctx, &api.GetSessionParams{SessionId: id}))
	}
	var answer api.Message
	isAnswer := func(message api.Message) bool { return message.Id == answer.Id }

	told.step("user_info", func() {
		me := must(sg.GetUserInfoWithResponse(ctx)).JSON200
		session.UserId, session.OrgId = me.User.Id, me.User.OrgId
		model := me.AvailableModels[0]
		session.Model = api.ModelInfoInput{ModelName: model.ModelName, Version: model.Version, ModelString: model.ModelString}
	})
	told.step("register", func() { done(must(sg.RegisterSessionWithResponse(ctx, session)).JSON200) })
	told.step("attach_file", func() {
		file := api.Attachment{SessionId: id, Filename: "notes.txt", Content: []byte("evil[.]example[.]com answered.\n")}
		attached := must(sg.AttachFileWithResponse(ctx, file)).JSON200
		done(attached)
		check((*attached.Data)["name"] == "notes.txt", attached)
	})
	told.step("generate", func() {
		turn := must(sg.GenerateWithResponse(ctx, api.SessionRequest{Id: &id, Messages: []api.MessageInput{prompt}})).JSON200
		isResult := func(message api.Message) bool { return message.MessageType == api.MessageTypeRESULT }
		answer = turn.Messages[slices.IndexFunc(turn.Messages, isResult)]
		check(turn.StatusCode == 200 && answer.Content != nil, turn)
	})
	told.step("list", func() {
		sessions := *must(sg.ListSessionsWithResponse(ctx)).JSON200
		check(slices.ContainsFunc(sessions, func(one api.PublicSession) bool { return one.Id == id }), sessions)
	})
	told.step("update", func() {
		session.Name = "go, renamed"
		done(must(sg.UpdateSessionWithResponse(ctx, session)).JSON200)
		check(get(sg, id).JSON200.Name == session.Name, session)
	})
	told.step("history", func() {
		messages := get(sg, id).JSON200.Messages
		told.SessionID, told.Prompt = id, messages[0]
		check(*told.Prompt.Content == *prompt.Content && slices.ContainsFunc(messages, isAnswer), messages)
	})
	told.step("feedback", func() {
		thanks := api.Feedback{SessionId: id, Type: api.FeedbackTypeUSERFEEDBACK, Score: 1, Comment: "Thank you"}
		done(must(sg.SendFeedbackWithResponse(ctx, thanks)).JSON200)
	})
	told.step("detach", func() {
		done(must(sg.DetachFileWithResponse(ctx, api.DetachFileRequest{SessionId: id, FileIdx: 0})).JSON200)
		check(len(get(sg, id).JSON200.Files) == 0, id)
	})
	told.step("delete", func() {
		session.Id = of(rand.Text())
		done(must(sg.RegisterSessionWithResponse(ctx, session)).JSON200)
		done(must(sg.DeleteSessionWithResponse(ctx, session)).JSON200)
	})
	told.step("unknown_session", func() {
		gone := get(sg, *session.Id)
		check(gone.JSON200 == nil && gone.JSON404.Detail == "Session not found", gone.Status())
	})
	told.step("wrong_key", func() {
		refused := must(connect(address, "wrong").ListSessionsWithResponse(ctx))
		check(refused.JSON200 == nil && refused.JSON401.Detail != "", refused.Status())
	})
	told.step("mime_types", func() { check(api.MimeTypeC != api.MimeTypeCPP, "text/c is text/c++") })
	told.step("newer_service", func() {
		messages := get(connect(os.Getenv("NEWER_SERVICE_URL"), key), id).JSON200.Messages
		answer = messages[len(messages)-1]
		known := answer.MessageType.Valid() || answer.State.Valid() || answer.Role.Valid()
		check(answer.MessageType == "hologram" && answer.StatusCode == 520 && !known, answer)
	})
	told.step("null", func() { check(answer.Title == nil && answer.MimeType == nil && answer.Usage == nil, answer) })
}

func (told *summary) step(name string, work func()) {
	told.Steps[name] = "failed"
	work()
	told.Steps[name] = "ok"
}

func connect(address, key string) *api.ClientWithResponses {
	withKey := func(_ context.Context, request *http.Request) error {
		request.Header.Set("x-api-key", key)
		return nil
	}
	return must(api.NewClientWithResponses(address, api.WithRequestEditorFn(withKey)))
}

func done(result *api.OpResult) {
	check(result.Ok && result.StatusCode == api.ResponseStatusOK, result)
}

func check(holds bool, what any) {
	if !holds {
		panic(fmt.Sprintf("not as it should be: %+v", what))
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func of[T any](value T) *T { return &value }
