//! Does the documented job with the client that openapi-to-rust makes of the contract.

#[allow(dead_code, non_camel_case_types, clippy::all)]
mod generated;

use generated::*;
use serde_json::{json, Map, Value};
use std::{env, error::Error};
use uuid::Uuid;

type Failure = Box<dyn Error>;

// The defaults of the contract: the generator derives none for enums that stay open to unknown values.
#[rustfmt::skip]
mod defaults {
    use crate::generated::*;
    impl Default for MessageType { fn default() -> Self { Self::QUERY } }
    impl Default for Role { fn default() -> Self { Self::USER } }
    impl Default for State { fn default() -> Self { Self::START } }
    impl Default for UserType { fn default() -> Self { Self::USER } }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut steps = Steps::default();
    let mut told = json!({"language": "rust"});
    match job(&mut steps).await {
        Ok((id, prompt)) => {
            steps.next("");
            told["session_id"] = json!(id);
            told["prompt"] = json!(prompt);
        }
        Err(error) => told["error"] = json!(error.to_string()),
    }
    told["steps"] = Value::Object(steps.done);
    println!("{told}");
    std::process::exit(told.get("error").is_some().into());
}

async fn job(steps: &mut Steps) -> Result<(String, Message), Failure> {
    let (address, key) = (env::var("SEC_GEMINI_API_HTTP_URL")?, env::var("SEC_GEMINI_API_KEY")?);
    let sg = HttpClient::new().with_base_url(&address).with_api_key(&key);
    let id = Uuid::new_v4().to_string();

    steps.next("user_info");
    let me = sg.get_user_info().await?;
    let model = me.available_models.first().ok_or("no model")?.clone();
    let model = ModelInfoInput {
        model_name: model.model_name,
        model_string: model.model_string,
        version: model.version,
        description: None,
        toolsets: None,
        use_experimental: None,
    };

    steps.next("register");
    let new = SessionInput::new("In Rust".into(), model, "rust".into(), me.user.org_id, 3600, me.user.id);
    let mut session = SessionInput { id: Some(id.clone()), can_log: Some(true), ..new };
    done(sg.register_session(session.clone()).await?)?;

    steps.next("attach_file");
    let content = b"evil[.]example[.]com answered.\n".to_vec();
    let attached = done(sg.attach_file(Attachment::new(content, "notes.txt".into(), id.clone())).await?)?;
    check(attached.data.ok_or("no file")?.additional_properties["name"] == "notes.txt", &"name")?;

    steps.next("generate");
    let prompt = MessageInput {
        id: Some("7be0a4c19d52".into()),
        parent_id: Some("3713".into()),
        turn: Some("d3760be94a1c".into()),
        group: Some("c1d7a9f04be84d2cb6a3e95f20d81c77".into()),
        created_at: Some(1795347000.25),
        role: Some(Role::USER),
        state: Some(State::QUERY),
        message_type: MessageType::QUERY,
        mime_type: Some(Some(MimeType::TEXT)),
        content: Some(Some(env::var("PROMPT")?)),
        ..Default::default()
    };
    let turn = sg.generate(SessionRequest { id: Some(id.clone()), ..SessionRequest::new(vec![prompt]) }).await?;
    let answer = turn.messages.iter().find(|message| message.message_type == MessageType::RESULT).ok_or("no result")?;
    check(turn.status_code == 200 && answer.content.is_some(), &turn)?;

    steps.next("list");
    check(sg.list_sessions().await?.iter().any(|listed| listed.id == id), &id)?;

    steps.next("update");
    session.name = "rust, renamed".into();
    done(sg.update_session(session.clone()).await?)?;
    check(sg.get_session(&id).await?.name == session.name, &session)?;

    steps.next("history");
    let history = sg.get_session(&id).await?.messages;
    check(history[0].content == env::var("PROMPT").ok(), &history)?;
    check(history.iter().any(|message| message.id == answer.id), &history)?;

    steps.next("feedback");
    done(sg.send_feedback(Feedback::new("Thank you".into(), 1, id.clone(), FeedbackType::USER_FEEDBACK)).await?)?;

    steps.next("detach");
    done(sg.detach_file(DetachFileRequest { file_idx: 0, session_id: id.clone() }).await?)?;
    check(sg.get_session(&id).await?.files.is_empty(), &id)?;

    steps.next("delete");
    session.id = Some(Uuid::new_v4().to_string());
    done(sg.register_session(session.clone()).await?)?;
    done(sg.delete_session(session.clone()).await?)?;

    steps.next("unknown_session");
    match sg.get_session(session.id.unwrap_or_default()).await {
        Err(ApiOpError::Api(ApiError { typed: Some(GetSessionApiError::Status404(body)), .. })) => {
            check(body.detail == Some(json!("Session not found")), &body)?
        }
        other => check(false, &other)?,
    }

    steps.next("wrong_key");
    let refused = sg.clone().with_api_key("wrong").list_sessions().await.err().ok_or("not refused")?;
    let typed = refused.api().and_then(|answer| answer.typed.as_ref());
    check(matches!(typed, Some(ListSessionsApiError::Status401(body)) if body.detail.is_some()), &refused)?;

    steps.next("mime_types");
    check(MimeType::C != MimeType::CPP && MimeType::CPP.as_str() == "text/c++", &MimeType::CPP)?;

    steps.next("newer_service");
    let newer = sg.with_base_url(env::var("NEWER_SERVICE_URL")?).get_session(&id).await?;
    let message = newer.messages.last().ok_or("no message")?;
    check(message.message_type == MessageType::Custom("hologram".into()) && message.status_code == 520, &message)?;

    steps.next("null");
    check(message.title.is_none() && message.mime_type.is_none() && message.usage.is_none(), &message)?;
    Ok((id, history[0].clone()))
}

/// What was done: the last step stays "failed" unless another one begins.
#[derive(Default)]
struct Steps {
    done: Map<String, Value>,
    current: String,
}

impl Steps {
    fn next(&mut self, name: &str) {
        if !self.current.is_empty() {
            self.done.insert(std::mem::take(&mut self.current), json!("ok"));
        }
        if !name.is_empty() {
            self.done.insert(name.into(), json!("failed"));
            self.current = name.into();
        }
    }
}

fn done(result: OpResult) -> Result<OpResult, Failure> {
    check(result.ok && result.status_code == 200, &result).map(|()| result)
}

fn check(holds: bool, what: &dyn std::fmt::Debug) -> Result<(), Failure> {
    if holds {
        Ok(())
    } else {
        Err(format!("not as it should be: {what:?}").into())
    }
}
