//! Power is lost in every write and erasure of the flash of an SSD.

use super::*;
use crate::scos::testing::flash::FlashDisk;

/// The conversation, with the store of the first SSD in flash. Power is lost in its
/// `nth` write or erasure.
fn with_loss_in_flash(nth: u64) -> World {
    let mut world = World::new(nth, 0);
    let disk = Disk::in_flash(FlashDisk::new(nth));
    let (ssd, front) = &mut world.ssds[0];
    *ssd = World::ssd(0, &disk);
    front.disk = disk.clone();
    world.disks[1] = disk;
    world.disks[1].die_at(nth);
    converse(&mut world);
    let mut hours = 0;
    while !world.settled() && hours < 10 {
        world.run(world.net.now + HOUR);
        hours += 1;
    }
    assert!(world.settled(), "write {nth}: requests are open for ever");
    world.check();
    let ssd = &world.ssds[0].0;
    assert!(ssd.restored().is_whole(), "write {nth}: {:?}", ssd.restored());
    world
}

#[test]
fn nothing_is_done_twice_at_any_write_of_the_flash_of_an_ssd() {
    let mut nth = 1;
    let world = loop {
        let world = with_loss_in_flash(nth);
        if world.losses == 0 {
            break world;
        }
        nth += 1;
    };
    assert!(nth > 60, "{nth}");
    let Disk::Flash(flash) = &world.disks[1] else { panic!("it is in memory") };
    let flash = flash.lock().unwrap();
    let stats = flash.store.stats();
    assert!(stats.erased > 0 && stats.copied > 0, "{stats:?}");
}
