namespace CcExport.Engine.Announcements;

/// <summary>What a webhook is sent.</summary>
public enum NoticeShape
{
    /// <summary>By the address: Slack's and Teams' own hosts get what they understand, all others JSON.</summary>
    Auto,
    /// <summary>A message of Slack's incoming webhooks.</summary>
    Slack,
    /// <summary>An adaptive card in a message, as the workflows of Teams take it.</summary>
    Teams,
    /// <summary>An object with the fields of docs/observability.md.</summary>
    Json,
}
