using System.Text;
using System.Text.Json;
using CcExport.Simulator.State;

namespace CcExport.Simulator.Api;

/// <summary>
/// <c>PUT /contacts/{id}</c>: properties of the contact that are left out lose their values; the arrays beside them are replaced when
/// given, and kept when not. All is read and judged before anything is changed.
/// </summary>
internal sealed class ContactUpdate
{
    private const int MaxLists = 50;

    private static readonly string[] Texts = ["first_name", "last_name", "job_title", "company_name", "anniversary"];
    private static readonly string[] Numbers = ["birthday_month", "birthday_day"];
    private static readonly string[] Sources = ["Account", "Contact"];
    private static readonly string[] Settable = ["implicit", "explicit", "unsubscribed", "pending_confirmation"];

    private readonly Account _account;
    private readonly int _index;
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly byte[] _address;
    private readonly Permission? _permission;
    private readonly List<ContactList>? _lists;

    public ContactUpdate(Account account, int index, JsonElement body, SimulatorSwitches switches)
    {
        _account = account;
        _index = index;
        if (!Sources.Contains(Request.Text(body, "update_source"))) throw ApiException.Validation("update_source does not have a valid value");
        (_address, _permission) = ReadAddress(body, switches);
        foreach (string name in Texts) _values[name] = Text(body, name);
        foreach (string name in Numbers) _values[name] = Number(body, name);
        if (_values["birthday_month"].Length > 0 != _values["birthday_day"].Length > 0)
            throw ApiException.Validation("birthday_month and birthday_day are needed both");
        ReadCustom(body);
        ReadPhones(body);
        ReadAddresses(body);
        _lists = ReadLists(body);
        foreach ((string name, string value) in _values)
        {
            if (account.Fields.Find(name)!.Problem(Encoding.UTF8.GetBytes(value)) is { } problem) throw ApiException.Validation(problem);
        }
    }

    /// <summary>The arrays that were given: the answer shows them.</summary>
    public HashSet<string> Given { get; } = [];

    public void Apply(in MembershipAct act)
    {
        _account.Readdress(_index, _address, act.At);

        // Only the person herself undoes an opt-out.
        bool optedOut = _account.Contacts[_index].Permission == Permission.Unsubscribed;
        if (_permission is { } permission && !optedOut) _account.SetPermission(_index, permission, act);
        _account.Change(_index, _account.Fields.Store(_values), act.At);
        if (_lists is null) return;
        foreach (int number in _account.Sets.Lists(_account.Contacts[_index].Lists).ToArray())
        {
            if (!_lists.Exists(l => l.Number == number)) _account.Leave(_index, _account.Lists[number], act);
        }

        if (_account.Contacts[_index].Permission == Permission.Unsubscribed) return;
        foreach (ContactList list in _lists)
        {
            _account.Revive(_index, act.At);
            _account.Join(_index, list, act);
        }
    }

    private (byte[] Address, Permission? Permission) ReadAddress(JsonElement body, SimulatorSwitches switches)
    {
        if (!body.TryGetProperty("email_address", out JsonElement email) || email.ValueKind != JsonValueKind.Object)
            throw ApiException.Validation("email_address is required");
        byte[] address = Encoding.UTF8.GetBytes(Request.Text(email, "address") ?? "");
        if (!Values.IsEmail(address, switches.EmailMaxLength)) throw ApiException.Validation("email_address does not have a valid value");
        int owner = _account.Contacts.Find(address);
        if (owner >= 0 && owner != _index) throw ApiException.Conflict("Another contact has this email address already.");
        string? text = Request.Text(email, "permission_to_send");
        if (text is null) return (address, null);
        return Settable.Contains(text) && Account.TryPermission(text, out Permission permission)
            ? (address, permission)
            : throw ApiException.Validation("permission_to_send does not have a valid value");
    }

    private void ReadCustom(JsonElement body)
    {
        if (Items(body, "custom_fields") is not { } items) return;
        foreach (CustomField custom in _account.Fields.Custom) _values[custom.Field.Name] = "";
        foreach (JsonElement item in items)
        {
            string? id = Request.Text(item, "custom_field_id");
            CustomField custom = _account.Fields.Custom.FirstOrDefault(c => string.Equals(c.Id, id, StringComparison.OrdinalIgnoreCase))
                ?? throw ApiException.Validation($"custom_field_id {id} does not exist");
            _values[custom.Field.Name] = Text(item, "value");
        }
    }

    private void ReadPhones(JsonElement body)
    {
        if (Items(body, "phone_numbers") is not { } items) return;
        foreach (Field field in _account.Fields.Standard.Where(f => f.Kind == FieldKind.Phone)) _values[field.Name] = "";
        foreach (JsonElement item in items) _values[NameOf(item, "phone")] = Text(item, "phone_number");
    }

    private void ReadAddresses(JsonElement body)
    {
        if (Items(body, "street_addresses") is not { } items) return;
        foreach (Field field in _account.Fields.Standard.Where(f => f.Kind == FieldKind.Address)) _values[field.Name] = "";
        foreach (JsonElement item in items)
        {
            foreach (string part in new[] { "street", "city", "state", "country" }) _values[NameOf(item, part)] = Text(item, part);
            _values[NameOf(item, "zip")] = Text(item, "postal_code");
        }
    }

    private List<ContactList>? ReadLists(JsonElement body)
    {
        if (Request.Texts(body, "list_memberships", MaxLists) is not { } ids) return null;
        Given.Add("list_memberships");
        return [.. ids.Select(id => _account.List(id) is { DeletedAt: null } list
            ? list
            : throw ApiException.Validation($"list_id {id} does not exist."))];
    }

    private JsonElement[]? Items(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null) return null;
        Given.Add(name);
        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(e => e.ValueKind == JsonValueKind.Object)
            ? [.. value.EnumerateArray()]
            : throw ApiException.Validation($"{name} does not have a valid value");
    }

    private string NameOf(JsonElement item, string part)
    {
        string name = $"{Request.Text(item, "kind")}_{part}";
        return _account.Fields.Find(name) is { Kind: FieldKind.Phone or FieldKind.Address }
            ? name
            : throw ApiException.Validation("kind does not have a valid value");
    }

    private static string Text(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null) return "";
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw ApiException.Validation($"{name} does not have a valid value");
    }

    private static string Number(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null) return "";
        return value.ValueKind == JsonValueKind.Number ? value.GetRawText() : throw ApiException.Validation($"{name} does not have a valid value");
    }
}
