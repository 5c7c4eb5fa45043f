using CcExport.Engine.ConstantContact;
using CcExport.Engine.Mapping;
using CcExport.Engine.Profiles;
using CcExport.Engine.Store;

namespace CcExport.Engine.Exports;

/// <summary>Everything that can be known to be wrong before a profile is read. Each finding is an error with its own id, and no run exists yet.</summary>
internal sealed class Preflight(EngineParts parts, ConstantContactClient client, ConnectionRecord connection)
{
    /// <summary>Calls without which a run makes no sense: its checks, one batch, one look.</summary>
    private const int FewestCalls = 6;

    private static readonly string[] Needed = ["contacts:write", "contacts:lists:read"];

    /// <summary>Asks the service: the sign-in works and may import, the list is there, the custom fields exist.</summary>
    public async Task<ContactList> CheckAccountAsync(ExportDefinition definition, ContactMap map, CancellationToken ct)
    {
        DateTimeOffset now = parts.Time.GetUtcNow();
        CallUse use = await parts.Store.Calls.GetUseAsync(connection.ClientId, now, ct).ConfigureAwait(false);
        if (use.Left(parts.Wire.Options.CallsPerDay) < FewestCalls)
        {
            throw new CcException("QuotaExceeded", CcErrorKind.Limit,
                FormattableString.Invariant($"The API key of '{connection.Name}' has no calls left today ({use.Calls:N0} of {parts.Wire.Options.CallsPerDay:N0} used{(use.Reserved > 0 ? FormattableString.Invariant($", {use.Reserved:N0} kept for other programs") : "")})."),
                $"Run the export after {new DateTimeOffset(use.Day.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero):yyyy-MM-dd HH:mm} UTC.")
            { Subject = connection.Name };
        }
        IReadOnlyList<string> privileges = await client.GetPrivilegesAsync(ct).ConfigureAwait(false);
        string[] missing = [.. Needed.Except(privileges, StringComparer.OrdinalIgnoreCase)];
        if (missing.Length > 0)
        {
            throw new CcException("PrivilegeMissing", CcErrorKind.Permission,
                $"The user who signed in to '{connection.Name}' lacks: {string.Join(", ", missing)}.",
                "Account owners and account managers have them: sign in as one, with a new connection.")
            { Subject = connection.Name };
        }
        ContactList list = await client.GetListAsync(definition.ListId, ct).ConfigureAwait(false)
            ?? throw new CcException("ListNotFound", CcErrorKind.NotFound, $"The account of '{connection.Name}' has no list {definition.ListId}.",
                "Get-CcList shows the lists; set the right one with Set-CcExport -ListId.")
            { Subject = definition.ListId };
        if (list.DeletedAt is { } deletedAt)
        {
            throw new CcException("ListDeleted", CcErrorKind.NotFound, $"The list '{list.Name}' was deleted on {deletedAt:yyyy-MM-dd}.",
                "Set another list with Set-CcExport -ListId (Get-CcList shows them).")
            { Subject = definition.ListId };
        }
        await CheckCustomFieldsAsync(map, ct).ConfigureAwait(false);
        return list;
    }

    /// <summary>The account's custom fields; empty where the map has none and they were not asked for.</summary>
    public IReadOnlyList<CustomField> CustomFields { get; private set; } = [];

    private async Task CheckCustomFieldsAsync(ContactMap map, CancellationToken ct)
    {
        string[] wanted = [.. map.CustomFields];
        if (wanted.Length == 0) return;
        IReadOnlyList<CustomField> existing = CustomFields = await client.GetCustomFieldsAsync(ct).ConfigureAwait(false);
        // Compared exactly: what the service does with a key it does not know is not documented, so none is ever sent.
        string[] missing = [.. wanted.Where(w => existing.All(e => e.Name != w))];
        if (missing.Length == 0) return;
        CustomField? near = existing.FirstOrDefault(e => e.Name.Equals(missing[0], StringComparison.OrdinalIgnoreCase) || e.Label.Equals(missing[0], StringComparison.OrdinalIgnoreCase));
        throw new CcException("CustomFieldNotFound", CcErrorKind.NotFound,
            $"The account has no custom field '{string.Join("', '", missing)}'. It has: {(existing.Count == 0 ? "none" : string.Join(", ", existing.Select(e => e.Name)))}.",
            near is null ? "Create the field in Constant Contact, or correct the map (Get-CcCustomField shows the keys)." : $"Did you mean '{near.MapKey}'?");
    }

    /// <summary>Looks at the source: the segments exist, their mapped columns too, and they are not known to be too large.</summary>
    /// <param name="warn">Told of segments that are there and may not be what is expected: inactive ones and empty ones.</param>
    public static async Task<IReadOnlyList<Segment>> CheckSourceAsync(IProfileSource source, ExportDefinition definition, ContactMap map, Action<string> warn, CancellationToken ct)
    {
        IReadOnlyList<Segment> chosen = Choose(await source.GetSegmentsAsync(ct).ConfigureAwait(false), definition.Segments);
        long most = definition.MaxProfiles ?? Limits.Profiles, known = chosen.Sum(s => s.Size ?? 0);
        if (known > most)
        {
            throw new CcException("TooManyProfiles", CcErrorKind.Limit,
                FormattableString.Invariant($"The segments hold {known:N0} profiles; this export takes {most:N0}."),
                "Choose smaller segments, or raise the limit with -MaxProfiles.");
        }
        foreach (Segment segment in chosen)
        {
            IReadOnlyList<string> columns = await source.GetColumnsAsync(segment.Name, ct).ConfigureAwait(false);
            string[] asked = [.. map.Columns, .. new[] { definition.KeyProperty, definition.PreferNewest }.OfType<string>()];
            if (Columns.Late(Columns.Spell(asked, columns, source, segment.Name), columns, segment.Name) is { } late) warn(late);
        }
        foreach (Segment segment in chosen) WarnOf(segment, warn);
        return chosen;
    }

    /// <summary>Those that are named, in that order; all where none is. <c>SegmentNotFound</c>.</summary>
    public static IReadOnlyList<Segment> Choose(IReadOnlyList<Segment> all, IReadOnlyList<string> names)
    {
        if (names.Count == 0) return all;
        List<Segment> chosen = [];
        foreach (string name in names)
        {
            Segment? exact = all.FirstOrDefault(s => s.Name == name);
            Segment[] like = exact is not null ? [exact] : [.. all.Where(s => s.Name.Equals(name, StringComparison.OrdinalIgnoreCase))];
            if (like.Length > 1)
            {
                throw new CcException("SegmentAmbiguous", CcErrorKind.InvalidArgument, $"The source has more than one segment '{name}': {string.Join(", ", like.Select(s => s.Name))}.",
                    "Name the one that is meant as the source spells it.")
                { Subject = name };
            }
            Segment segment = like.FirstOrDefault()
                ?? throw new CcException("SegmentNotFound", CcErrorKind.NotFound, $"The source has no segment '{name}'. It has: {string.Join(", ", all.Select(s => s.Name))}.",
                    "Get-CcSegment lists them.")
                { Subject = name };
            if (!chosen.Contains(segment)) chosen.Add(segment);
        }
        return chosen;
    }

    /// <summary>
    /// An inactive segment keeps the members it had, and an empty one is most often not there yet: neither is known to be wrong. Whether a run may shrink a
    /// list to nothing is the guard's question.
    /// </summary>
    private static void WarnOf(Segment segment, Action<string> warn)
    {
        if (segment.State is { } state && state != SegmentStates.Active)
            warn($"The segment '{segment.Name}' is {(state == SegmentStates.Inactive ? "inactive" : $"not active ({state})")} and is not renewed{(segment.LastEvaluated is { } at ? FormattableString.Invariant($" since {at.UtcDateTime:yyyy-MM-dd}") : "")}: its members are those of that time. Activate it in Customer Insights - Data.");
        if (segment.Size == 0)
            warn($"The segment '{segment.Name}' has no members. In Customer Insights - Data that often means that it was not evaluated or not brought up to date yet.");
    }

    /// <summary>
    /// The contract's number of contacts against what the account would hold: contacts that are not on the list yet count as new, since
    /// the service can only be asked for numbers. Contacts already on the list cost nothing more.
    /// </summary>
    public async Task CheckContactLimitAsync(long sealedContacts, ContactList list, CancellationToken ct)
    {
        if (connection.ContactLimit is not { } limit) return;
        ContactCounts counts = await client.GetContactCountsAsync(ct).ConfigureAwait(false);
        long added = Math.Max(0, sealedContacts - (list.MembershipCount ?? 0));
        if (counts.Total + added <= limit) return;
        throw new CcException("ContactLimitExceeded", CcErrorKind.Limit,
            FormattableString.Invariant($"The account holds {counts.Total:N0} contacts and this run would add up to {added:N0} ({sealedContacts:N0} less the {list.MembershipCount ?? 0:N0} already on the list): more than the contract's {limit:N0}. Nothing was sent."),
            "Export fewer profiles, or raise the contract and the connection's -ContactLimit.")
        { Subject = connection.Name };
    }
}
