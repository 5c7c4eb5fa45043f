using System.Text;

namespace CcExport.Simulator.State;

/// <summary>A contact list of the account.</summary>
internal sealed class ContactList(int number, string id, string name, string? description, DateTimeOffset now)
{
    public int Number { get; } = number;

    public string Id { get; } = id;

    public string Name { get; set; } = name;

    public string? Description { get; set; } = description;

    public bool Favorite { get; set; }

    public DateTimeOffset CreatedAt { get; } = now;

    public DateTimeOffset UpdatedAt { get; set; } = now;

    public DateTimeOffset? DeletedAt { get; set; }

    /// <summary>Members that are not deleted, whatever their permission.</summary>
    public int Members { get; set; }

    public int ActiveMembers { get; set; }
}

/// <summary>Lists, contacts and fields of the one account, and the counts that must stay true with each change.</summary>
internal sealed class Account(IdSource ids)
{
    private readonly List<ContactList> _lists = [];
    private readonly Dictionary<string, ContactList> _listsById = new(StringComparer.OrdinalIgnoreCase);
    private readonly int[] _byPermission = new int[Enum.GetValues<Permission>().Length];

    public ContactStore Contacts { get; } = new();

    public MembershipSets Sets { get; } = new();

    public FieldTable Fields { get; } = new();

    public Dictionary<int, DateTimeOffset> OptedOutAt { get; } = [];

    /// <summary>When people agreed again after an opt-out; everybody else opted in by being created.</summary>
    public Dictionary<int, DateTimeOffset> OptedInAt { get; } = [];

    public Dictionary<int, DateTimeOffset> DeletedAt { get; } = [];

    public List<MembershipEntry> Memberships { get; } = [];

    public IReadOnlyList<ContactList> Lists => _lists;

    public ContactList? List(string id) => _listsById.GetValueOrDefault(id);

    /// <summary>What the plan counts: people who can be mailed.</summary>
    public int ActiveContacts => _byPermission.Sum() - Count(Permission.Unsubscribed);

    public int Count(Permission permission) => _byPermission[(int)permission];

    public ContactList AddList(string name, string? description, DateTimeOffset now)
    {
        var list = new ContactList(_lists.Count, ids.Guid(), name, description, now);
        _lists.Add(list);
        _listsById.Add(list.Id, list);
        return list;
    }

    public int AddContact(ReadOnlySpan<byte> email, int hash, ReadOnlySpan<byte> fields, Permission permission, long now)
    {
        int index = Contacts.Add(email, hash, fields, permission, now);
        _byPermission[(int)permission]++;
        if (permission == Permission.Unsubscribed) OptedOutAt[index] = new DateTimeOffset(now, TimeSpan.Zero);
        return index;
    }

    public void Join(int index, ContactList list, in MembershipAct act)
    {
        ref ContactRow row = ref Contacts[index];
        int set = Sets.With(row.Lists, list.Number);
        if (set != row.Lists) Move(ref row, index, set, list, joined: true, act);
    }

    public void Leave(int index, ContactList list, in MembershipAct act)
    {
        ref ContactRow row = ref Contacts[index];
        int set = Sets.Without(row.Lists, list.Number);
        if (set != row.Lists) Move(ref row, index, set, list, joined: false, act);
    }

    public void LeaveAll(int index, in MembershipAct act)
    {
        foreach (int number in Sets.Lists(Contacts[index].Lists).ToArray()) Leave(index, _lists[number], act);
    }

    /// <summary>A deleted person loses the lists but stays known; adding to a list revives.</summary>
    public void Delete(int index, in MembershipAct act)
    {
        ref ContactRow row = ref Contacts[index];
        if (row.Deleted) return;
        LeaveAll(index, act with { Cause = MembershipCause.Delete });
        row.Deleted = true;
        row.UpdatedTicks = act.At.UtcTicks;
        _byPermission[(int)row.Permission]--;
        DeletedAt[index] = act.At;
    }

    public void Revive(int index, DateTimeOffset now)
    {
        ref ContactRow row = ref Contacts[index];
        if (!row.Deleted) return;
        row.Deleted = false;
        row.UpdatedTicks = now.UtcTicks;
        _byPermission[(int)row.Permission]++;
        DeletedAt.Remove(index);
    }

    public void SetPermission(int index, Permission permission, in MembershipAct act)
    {
        ref ContactRow row = ref Contacts[index];
        if (row.Permission == permission) return;
        if (!row.Deleted)
        {
            foreach (int number in Sets.Lists(row.Lists)) CountIn(_lists[number], row.Permission, -1);
            _byPermission[(int)row.Permission]--;
        }

        bool again = row.Permission == Permission.Unsubscribed && permission is (Permission.Implicit or Permission.Explicit);
        row.Permission = permission;
        row.UpdatedTicks = act.At.UtcTicks;
        if (!row.Deleted)
        {
            foreach (int number in Sets.Lists(row.Lists)) CountIn(_lists[number], permission, 1);
            _byPermission[(int)permission]++;
        }

        // Opting out of the account ends all memberships.
        if (permission == Permission.Unsubscribed)
        {
            OptedOutAt[index] = act.At;
            OptedInAt.Remove(index);
            LeaveAll(index, act with { Cause = MembershipCause.Unsubscribe });
        }
        else
        {
            OptedOutAt.Remove(index);
            if (again) OptedInAt[index] = act.At;
        }
    }

    /// <summary>Changes values, and the time of the change when one was other than before.</summary>
    public void Change(int index, ReadOnlySpan<byte> fields, DateTimeOffset now)
    {
        if (Contacts.Update(index, fields)) Contacts[index].UpdatedTicks = now.UtcTicks;
    }

    /// <summary>Gives a contact another address; nobody else may have it.</summary>
    public void Readdress(int index, ReadOnlySpan<byte> email, DateTimeOffset now)
    {
        if (Contacts.Email(index).SequenceEqual(email)) return;
        Contacts.Rename(index, email, ContactStore.HashOf(email));
        Contacts[index].UpdatedTicks = now.UtcTicks;
    }

    public string EmailText(int index) => Encoding.UTF8.GetString(Contacts.Email(index));

    public static string PermissionText(Permission permission) => permission switch
    {
        Permission.Implicit => "implicit",
        Permission.Explicit => "explicit",
        Permission.Unsubscribed => "unsubscribed",
        Permission.PendingConfirmation => "pending_confirmation",
        Permission.TempHold => "temp_hold",
        _ => "not_set",
    };

    public static bool TryPermission(string? text, out Permission permission)
    {
        foreach (Permission candidate in Enum.GetValues<Permission>())
        {
            if (PermissionText(candidate) != text) continue;
            permission = candidate;
            return true;
        }

        permission = default;
        return false;
    }

    private void Move(ref ContactRow row, int index, int set, ContactList list, bool joined, in MembershipAct act)
    {
        row.Lists = set;
        if (!row.Deleted) CountIn(list, row.Permission, joined ? 1 : -1);
        if (act.Switches.MembershipTouches) row.UpdatedTicks = act.At.UtcTicks;
        if (act.Switches.KeepMemberships)
            Memberships.Add(new MembershipEntry(act.At.UtcTicks, act.ActivityId, index, list.Number, act.Cause, joined));
    }

    private static void CountIn(ContactList list, Permission permission, int step)
    {
        list.Members += step;
        if (permission is not (Permission.Unsubscribed or Permission.TempHold)) list.ActiveMembers += step;
    }
}
