//! Tables: ruled rows, figures to the right. On a phone each row becomes a card whose cells
//! name themselves.

use domain::time::Timestamp;
use leptos::prelude::*;

use crate::format;

#[component]
pub(crate) fn Table(
    /// Says what the table lists, for those who don't see it.
    #[prop(into)]
    label: String,
    /// Heading and whether the column holds figures.
    columns: Vec<(&'static str, bool)>,
    /// Rows of [`Cell`]s.
    children: Children,
) -> impl IntoView {
    let head = columns
        .into_iter()
        .map(|(name, figures)| {
            view! {
                <th scope="col" class:figure=figures>
                    {name}
                </th>
            }
        })
        .collect_view();
    view! {
        <div class="table-frame">
            <table class="table" aria-label=label>
                <thead>
                    <tr>{head}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}

#[component]
pub(crate) fn Cell(
    /// The heading of its column, shown on a phone. Empty for the cell that names the row.
    #[prop(into)]
    label: String,
    #[prop(optional)] figure: bool,
    children: Children,
) -> impl IntoView {
    let class = match (label.is_empty(), figure) {
        (true, _) => "cell--name",
        (false, true) => "figure",
        (false, false) => "",
    };
    view! {
        <td class=class data-label=label>
            {children()}
        </td>
    }
}

/// A point in time, to the second.
#[component]
pub(crate) fn At(at: Timestamp) -> impl IntoView {
    view! { <time datetime=at.to_rfc3339()>{format::date_time(at)}</time> }
}

/// A point in time: how long ago, and exactly when.
#[component]
pub(crate) fn When(at: Timestamp, now: Timestamp) -> impl IntoView {
    view! {
        <time datetime=at.to_rfc3339() title=format!("{} UTC", format::date_time(at))>
            {format::ago(at, now)}
        </time>
    }
}
