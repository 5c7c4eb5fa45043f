using System.Buffers;
using System.Text.Json;

namespace CcExport.Engine.ConstantContact;

/// <summary>
/// Lists and who is on them. None of these calls is an import: asked for once more they change nothing further, so a lost answer is simply asked for again.
/// </summary>
internal sealed partial class ConstantContactClient
{
    /// <summary>The most contacts that one job takes off a list by their ids.</summary>
    public const int IdsOfOneRemoval = 500;

    /// <summary>The list of this name, made if it is not there: one that is may be this very call's, whose answer was lost.</summary>
    /// <param name="name">At most 255 characters; unique in the account, without regard to case.</param>
    public async Task<ContactList> CreateListAsync(string name, string description, CancellationToken ct)
    {
        Call call = Call.Ask(Resource("contact_lists"), "making a list", "contacts:lists:write", Body(json =>
        {
            json.WriteString("name", name);
            json.WriteString("description", description);
        }));
        try
        {
            using JsonDocument document = Parse(call, await CallAsync(call, ct).ConfigureAwait(false));
            return Readings.List(document.RootElement, _connection) ?? throw Failures.Unreadable(call, _connection, null);
        }
        catch (CcException e) when (e.ErrorId == "ServiceConflict")
        {
            if (await FindListAsync(name, ct).ConfigureAwait(false) is { } made) return made;
            throw;
        }
    }

    /// <summary>The list of this name; null when there is none.</summary>
    public async Task<ContactList?> FindListAsync(string name, CancellationToken ct)
        => (await ReadPagesAsync(CallFor($"contact_lists?limit={PageSize}&name={Uri.EscapeDataString(name)}", "finding a list", "contacts:lists:read"),
            "lists", item => Readings.List(item, _connection), ct).ConfigureAwait(false))
            .FirstOrDefault(l => l.DeletedAt is null && l.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Has a list deleted, by a job; its contacts stay in the account. False when there is none.</summary>
    public async Task<bool> DeleteListAsync(string id, CancellationToken ct)
        => (await CallAsync(Call.Delete(Resource($"contact_lists/{Uri.EscapeDataString(id)}"), "deleting a list", "contacts:lists:write"), ct).ConfigureAwait(false)).Verdict == Verdict.Success;

    /// <summary>Starts a job that takes contacts off a list. They stay in the account.</summary>
    /// <param name="contactIds">At most <see cref="IdsOfOneRemoval"/>.</param>
    public Task<Activity> RemoveMembersAsync(IReadOnlyCollection<string> contactIds, string listId, CancellationToken ct) => RemoveAsync("contact_ids", contactIds, listId, ct);

    /// <summary>Starts a job that takes everybody off a list who is on another one.</summary>
    public Task<Activity> RemoveMembersOfAsync(string sourceListId, string listId, CancellationToken ct) => RemoveAsync("list_ids", [sourceListId], listId, ct);

    private async Task<Activity> RemoveAsync(string source, IReadOnlyCollection<string> ids, string listId, CancellationToken ct)
    {
        Call call = Call.Ask(Resource("activities/remove_list_memberships"), "taking contacts off the list", "contacts:write", Body(json =>
        {
            json.WriteStartObject("source");
            json.WriteStartArray(source);
            foreach (string id in ids) json.WriteStringValue(id);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteStartArray("list_ids");
            json.WriteStringValue(listId);
            json.WriteEndArray();
        }));
        using JsonDocument document = Parse(call, await CallAsync(call, ct).ConfigureAwait(false));
        return Readings.Activity(document.RootElement) ?? throw Failures.Unreadable(call, _connection, null);
    }

    private static ReadOnlyMemory<byte> Body(Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
        json.Flush();
        return body.WrittenMemory;
    }
}
