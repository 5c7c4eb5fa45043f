using System.Text;

namespace CcExport.Simulator.State;

/// <summary>What kind of value a field takes.</summary>
internal enum FieldKind
{
    Text,
    Month,
    Day,
    Anniversary,
    Phone,
    Address,
    CustomText,
    CustomDate,
}

internal sealed record Field(ushort Id, string Name, string Heading, FieldKind Kind, int MaxLength)
{
    /// <summary>What is wrong with a value of this field, if anything; an empty one takes the field away.</summary>
    public string? Problem(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return null;
        if (!Values.FitsIn(value, MaxLength)) return $"{Name} is too long";
        bool good = Kind switch
        {
            FieldKind.Month => Values.IsWhole(value, 12, out _),
            FieldKind.Day => Values.IsWhole(value, 31, out _),
            FieldKind.Anniversary or FieldKind.CustomDate => Values.IsDate(value),
            _ => true,
        };
        return good ? null : $"{Name} does not have a valid value";
    }
}

internal sealed record CustomField(string Id, string Label, string Name, string Type, DateTimeOffset CreatedAt, Field Field);

/// <summary>The fields a contact may have: those of the import's contract and the account's custom fields.</summary>
internal sealed class FieldTable
{
    public const ushort Email = 0;
    public const int MaxCustom = 100;

    /// <summary>Numbers fit into a byte: some forty standard fields, at most a hundred of the account's own.</summary>
    public const ushort FirstCustom = 100;

    // Replaced, never changed, once it is in use: imports read it outside of the lock.
    private Dictionary<string, Field> _byKey = new(StringComparer.Ordinal);
    private readonly List<Field> _standard = [];
    private readonly List<CustomField> _custom = [];

    public FieldTable()
    {
        AddStandard("email", "Email address", FieldKind.Text, 80);
        AddStandard("first_name", "First name", FieldKind.Text, 50);
        AddStandard("last_name", "Last name", FieldKind.Text, 50);
        AddStandard("job_title", "Job title", FieldKind.Text, 50);
        AddStandard("company_name", "Company", FieldKind.Text, 50);
        AddStandard("birthday_month", "Birthday month", FieldKind.Month, 2);
        AddStandard("birthday_day", "Birthday day", FieldKind.Day, 2);
        AddStandard("anniversary", "Anniversary", FieldKind.Anniversary, 10);
        AddStandard("sms_number", "SMS number", FieldKind.Text, 16);
        AddStandard("sms_consent_date", "SMS consent date", FieldKind.Text, 16);
        foreach (string place in new[] { "", "home", "work", "mobile", "other" })
            AddStandard(Join(place, "phone"), place is "" ? "Phone" : $"Phone - {place}", FieldKind.Phone, 50);
        foreach (string place in new[] { "", "home", "work", "other" })
        {
            foreach (string part in new[] { "street", "street2", "city", "state", "zip", "country" })
            {
                string heading = part == "zip" ? "Zip/Postal Code" : char.ToUpperInvariant(part[0]) + part[1..];
                AddStandard(Join(place, part), place is "" ? heading : $"{heading} - {place}", FieldKind.Address,
                    part.StartsWith("street", StringComparison.Ordinal) ? 255 : 50);
            }
        }

        // The contract spells this key with a blank.
        _byKey["home country"] = _byKey["home_country"];
    }

    public IReadOnlyList<Field> Standard => _standard;

    public IReadOnlyList<CustomField> Custom => _custom;

    public Field? Find(string key) => _byKey.GetValueOrDefault(key);

    public Field ById(int id) => id < FirstCustom ? _standard[id] : _custom[id - FirstCustom].Field;

    public CustomField? FindCustom(string labelOrName) => _custom.Find(c =>
        string.Equals(c.Label, labelOrName, StringComparison.OrdinalIgnoreCase) || c.Name == NameOf(labelOrName));

    public CustomField AddCustom(string id, string label, string type, DateTimeOffset now)
    {
        if (_custom.Count >= MaxCustom) throw new ArgumentException("The account has the maximum number of custom fields.", nameof(label));
        var kind = type is "date" or "datetime" ? FieldKind.CustomDate : FieldKind.CustomText;
        string name = NameOf(label);
        var field = new Field((ushort)(FirstCustom + _custom.Count), "cf:" + name, label, kind, 255);
        var custom = new CustomField(id, label, name, type, now, field);
        _custom.Add(custom);
        _byKey = new Dictionary<string, Field>(_byKey, StringComparer.Ordinal) { ["cf:" + name] = field };
        return custom;
    }

    /// <summary>Values by the names of the import, in the stored form. An address is no value: it is changed by itself.</summary>
    public byte[] Store(IEnumerable<KeyValuePair<string, string>> values)
    {
        var stored = new MemoryStream();
        byte[] buffer = [];
        foreach ((string name, string value) in values)
        {
            if (Find(name) is not { Id: not Email } field) throw new ArgumentException($"No field '{name}'.", nameof(values));
            byte[] text = Encoding.UTF8.GetBytes(value);
            if (buffer.Length < text.Length + 4) buffer = new byte[Math.Max(1_024, text.Length + 4)];
            stored.Write(buffer, 0, FieldCursor.Write(buffer, field.Id, text));
        }

        return stored.ToArray();
    }

    private static string NameOf(string label) => label.Trim().Replace(' ', '_');

    private static string Join(string place, string part) => place is "" ? part : $"{place}_{part}";

    private void AddStandard(string name, string heading, FieldKind kind, int max)
    {
        var field = new Field((ushort)_standard.Count, name, heading, kind, max);
        _standard.Add(field);
        _byKey.Add(name, field);
    }
}
