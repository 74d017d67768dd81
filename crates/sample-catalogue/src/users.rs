//! The users of the shop: customers, staff and a few administrators.

use crate::error::Error;
use crate::people::{People, Person};
use crate::random::Random;
use crate::sql::Script;
use crate::timestamp::{TAKEN, Timestamp};

/// The number of users.
const USERS: u32 = 2_000;
/// The number of administrators. They are the first users, and the last of them is not active.
const ADMINS: u32 = 6;
/// The number of administrators and staff together.
const EMPLOYEES: u32 = 30;

/// The rows of `users`.
pub struct Users {
    all: Vec<User>,
}

struct User {
    id: u32,
    person: Person,
    role: &'static str,
    is_active: bool,
    order_count: u32,
    /// The sum of all orders in euro cents, VAT included.
    spent_cents: u32,
    created_at: Timestamp,
    last_login_at: Option<Timestamp>,
}

impl Users {
    /// Invents the users.
    pub fn generate(seed: u64) -> Result<Self, Error> {
        let mut random = Random::for_table(seed, "users");
        let mut people = People::read()?;
        let moments = TAKEN.times_before(2_400, USERS, &mut random);

        let all = (1..).zip(moments).map(|(id, created_at)| {
            let person = people.invent(&mut random)?;
            Ok(User::invent(id, person, created_at, &mut random))
        });
        Ok(Self {
            all: all.collect::<Result<_, Error>>()?,
        })
    }

    /// Adds the rows to the script.
    pub fn write(&self, script: &mut Script) {
        let columns = [
            "id",
            "email",
            "name",
            "role",
            "is_active",
            "order_count",
            "spent_cents",
            "created_at",
            "last_login_at",
        ];
        let rows = self.all.iter().map(|row| {
            [
                row.id.into(),
                (&row.person.email).into(),
                (&row.person.name).into(),
                row.role.into(),
                row.is_active.into(),
                row.order_count.into(),
                row.spent_cents.into(),
                row.created_at.into(),
                row.last_login_at.into(),
            ]
        });

        script.insert("users", columns, rows);
    }
}

impl User {
    fn invent(id: u32, person: Person, created_at: Timestamp, random: &mut Random) -> Self {
        let role = match id {
            _ if id <= ADMINS => "admin",
            _ if id <= EMPLOYEES => "staff",
            _ => "customer",
        };
        let is_active = if role == "admin" {
            id < ADMINS
        } else {
            !random.chance(12)
        };

        let has_ordered = role == "customer" && !random.chance(25);
        let order_count = if has_ordered {
            random.between(1, 24).min(random.between(1, 24))
        } else {
            0
        };
        let spent_cents = (0..order_count).map(|_| random.between(900, 24_000)).sum();

        let has_logged_in = role != "customer" || has_ordered || !random.chance(30);
        let last_login_at = has_logged_in.then(|| created_at.some_time_after(random));

        Self {
            id,
            person,
            role,
            is_active,
            order_count,
            spent_cents,
            created_at,
            last_login_at,
        }
    }
}
