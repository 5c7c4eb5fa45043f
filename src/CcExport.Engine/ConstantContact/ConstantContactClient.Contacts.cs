using System.Text.Json;

namespace CcExport.Engine.ConstantContact;

/// <content>One contact.</content>
internal sealed partial class ConstantContactClient
{
    /// <summary>The contact of an address with its names and lists, whatever its status; null when the account has none.</summary>
    public async Task<ContactState?> FindStateAsync(string email, CancellationToken ct)
    {
        Call call = CallFor($"contacts?email={Uri.EscapeDataString(email)}&status=all&include=list_memberships&limit=1", "reading a contact", "contacts:read");
        using JsonDocument page = Parse(call, await CallAsync(call, ct).ConfigureAwait(false));
        if (page.RootElement.ValueKind != JsonValueKind.Object) throw Failures.Unreadable(call, _connection, null);
        foreach (JsonElement item in page.RootElement.Items("contacts"))
        {
            if (Readings.Contact(item) is not { } seen || item.Find("email_address") is not { } mail) continue;
            return new ContactState(seen, mail.Time("opt_out_date"), item.Text("first_name"), item.Text("last_name"), item.Text("job_title"), item.Text("company_name"),
                (int?)item.Count("birthday_month"), (int?)item.Count("birthday_day"));
        }
        return null;
    }
}

/// <summary>A contact as it stands in the account, with the values that every one of them has.</summary>
internal sealed record ContactState(
    ContactSeen Seen, DateTimeOffset? OptedOutAt, string? FirstName, string? LastName, string? JobTitle, string? CompanyName, int? BirthdayMonth, int? BirthdayDay);
