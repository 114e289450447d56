//! The service's tasks, for a run that follows its own.

use super::asker::{Asker, hss, lane, pair};
use super::gate::Api;
use super::{PAGE, decode};
use crate::event::Failure;
use crate::follow::{TaskPage, TaskRegistryPage};
use crate::model::{Listing, TaskId};
use crate::run::port::{Clock, Credentials, TaskList};

impl<K: Credentials, C: Clock> TaskList for Asker<'_, K, C> {
    async fn tasks(&self, listing: &Listing, offset: usize) -> Result<TaskPage, Failure> {
        let query = vec![
            pair("type", "image_sync"),
            pair("task_type", "manualSync"),
            pair("offset", &offset.to_string()),
            pair("limit", &PAGE.to_string()),
        ];
        let answered = self.ask(&lane(Api::Tasks, listing), &hss(listing, "tasks", query)).await?;
        let page = decode::sync_tasks(&answered.body, &self.redactor())
            .map_err(|why| self.unclear("the list of tasks", &why))?;
        Ok(TaskPage { clock_ahead: -answered.ahead, ..page })
    }

    async fn task_registries(
        &self,
        listing: &Listing,
        task: &TaskId,
        offset: usize,
    ) -> Result<TaskRegistryPage, Failure> {
        let query = vec![pair("offset", &offset.to_string()), pair("limit", &PAGE.to_string())];
        let path = format!("image-sync/tasks/{task}/registries");
        let answered = self.ask(&lane(Api::TaskRegistries, listing), &hss(listing, &path, query)).await?;
        decode::task_registries(&answered.body, &self.redactor())
            .map_err(|why| self.unclear("the list of a task's registries", &why))
    }
}
